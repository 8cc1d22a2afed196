//! `fixtures/attacks.md`, the list of attacks and of what shows that each fails, names nothing that is not there.

use std::path::Path;

/// The names in a folder, without endings; or of the tests in the sources below it.
fn names(folder: &Path, is_source: bool) -> Vec<String> {
    let mut names = Vec::new();
    for path in folder.read_dir().unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() && is_source && !path.ends_with("fuzz") {
            names.extend(self::names(&path, true));
        } else if is_source && path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(path).unwrap();
            let functions = text.split("\nfn ").chain(text.split("\nasync fn ")).skip(1);
            names.extend(functions.filter_map(|rest| Some(rest.split_once("()")?.0.to_owned())));
        } else if !is_source {
            names.push(path.file_stem().unwrap().to_str().unwrap().to_owned());
        }
    }
    names
}

#[test]
fn the_table_of_attacks_names_what_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = std::fs::read_to_string(root.join("fixtures/attacks.md")).unwrap();
    let mut known = names(&root.join("tests"), true);
    for folder in ["fixtures/attacks", "fixtures/requests"] {
        known.extend(names(&root.join(folder), false));
    }
    let is_there = |pattern: &str| {
        let (first, last) = (!pattern.starts_with('*'), !pattern.ends_with('*'));
        let pieces: Vec<&str> = pattern.split('*').filter(|piece| !piece.is_empty()).collect();
        known.iter().any(|name| {
            let found =
                pieces.iter().try_fold(0, |at, piece| Some(at + name[at..].find(piece)? + piece.len()));
            found.is_some_and(|end| !last || end == name.len()) && (!first || name.starts_with(pieces[0]))
        })
    };
    let shown: Vec<&str> = table.lines().filter_map(|line| line.rsplit(" | ").next()).collect();
    let shown = shown
        .into_iter()
        .filter(|cell| cell.contains('`'))
        .flat_map(|cell| cell.split('`').skip(1).step_by(2));
    let mut count = 0;
    for pattern in shown.filter(|pattern| !pattern.contains('/')) {
        assert!(is_there(pattern), "nothing is named {pattern}");
        count += 1;
    }
    assert!(count > 100, "{count} names");
}
