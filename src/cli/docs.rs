//! `kdp docs`.

use super::{Failure, Outcome, Result};
use std::path::PathBuf;

/// Writes the documentation: a folder of pages in Russian, Kazakh and English, to be opened in a browser.
///
/// Nothing in it needs a network. The same program writes the same bytes each time.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  kdp docs --out kdp-docs")]
pub struct Args {
    /// The folder to write into; it is made when it is not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Write into a folder that holds something already, over what has the same names
    #[arg(long)]
    replace: bool,
}

/// Writes.
pub fn run(args: &Args) -> Result {
    let holds_something = std::fs::read_dir(&args.out).is_ok_and(|mut folder| folder.next().is_some());
    if holds_something && !args.replace {
        return Err(Failure::refused(format!(
            "{} is not empty; name another folder, or add --replace",
            args.out.display()
        )));
    }
    let unwritable = |path: &PathBuf, error: std::io::Error| {
        Failure::unusable(format!("{} cannot be written: {error}", path.display()))
    };
    let files = kdp::docs::site()?;
    for file in &files {
        let path = args.out.join(&file.path);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| unwritable(&path, error))?;
        }
        std::fs::write(&path, &file.text).map_err(|error| unwritable(&path, error))?;
    }
    let entry = args.out.join("index.html");
    Ok(Outcome::accepted(format!("{} files; open {}\n", files.len(), entry.display())))
}

#[cfg(test)]
mod tests {
    use crate::cli::Cli;
    use clap::Parser as _;

    /// The words of each command `kdp …` of a line of shell; a quoted word is one.
    fn commands(line: &str) -> Vec<Vec<String>> {
        let (mut commands, mut words, mut word, mut quote) = (Vec::new(), Vec::new(), None::<String>, None);
        for c in line.chars().chain(['\n']) {
            match (c, quote) {
                ('\'' | '"', None) => {
                    quote = Some(c);
                    word.get_or_insert_default();
                }
                (c, Some(open)) if c == open => quote = None,
                (c, None) if c.is_whitespace() || "|;&>".contains(c) => {
                    words.extend(word.take());
                    if "|;&>\n".contains(c) {
                        commands.push(std::mem::take(&mut words));
                    }
                }
                (c, _) => word.get_or_insert_default().push(c),
            }
        }
        commands.retain(|words| words.first().is_some_and(|word| word == "kdp"));
        commands
    }

    #[test]
    fn every_command_that_the_documentation_shows_parses() {
        let mut seen = 0;
        for (lang, page, source) in kdp::docs::sources() {
            let blocks = source.split("```sh").skip(1).map(|block| block.split("```").next().unwrap());
            for line in blocks.flat_map(|block| block.lines().skip(1)) {
                assert!(!line.ends_with('\\'), "a command stands on one line: {line}");
                for words in commands(line) {
                    if let Err(error) = Cli::try_parse_from(&words) {
                        panic!("{}/{page}: {line}\n{error}", lang.code());
                    }
                    seen += 1;
                }
            }
        }
        assert!(seen >= 40, "{seen} commands");
    }
}
