//! The documentation as a site of plain files, in Russian, Kazakh and English: it is read without a network, by a
//! browser alone, from a folder or a server. Prose stands in `docs/text/`, one file a page and language; codes come from
//! [`crate::text`], requests and answers are the fixtures that the tests send. The same bytes are made each time.

mod frame;
mod insert;
mod markup;
mod page;
mod picture;
mod pretty;
mod sample;
mod search;
mod sequence;
mod table;

use crate::text::Lang;

/// The languages in the order in which the site offers them.
pub const LANGS: [Lang; 3] = [Lang::Ru, Lang::Kk, Lang::En];

/// A file of the site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Below the folder of the site, with slashes: `ru/codes.html`.
    pub path: String,
    /// What it holds, UTF-8.
    pub text: String,
}

/// A page whose source cannot be made into one: a mistake in `docs/text/`, found by the tests.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocsError {
    /// An `insert` block that names nothing that is known.
    #[error("nothing can be inserted by '{0}'")]
    Insert(String),
    /// A heading without an id of its own.
    #[error("the heading '{0}' has no {{#id}}")]
    Heading(String),
}

/// Makes all files of the site, `index.html` first.
///
/// # Errors
/// [`DocsError`], which no released text has.
pub fn site() -> Result<Vec<File>, DocsError> {
    let file = |path: &str, text: &str| File { path: path.to_owned(), text: text.to_owned() };
    let mut files = vec![
        file("index.html", frame::ENTRY),
        file("style.css", include_str!("docs/style.css")),
        file("search.js", include_str!("docs/search.js")),
    ];
    for lang in LANGS {
        let mut entries = Vec::new();
        for page in page::PAGES {
            let body = markup::render(page.source(lang), lang)?;
            entries.extend(search::entries(page, &body));
            files.push(File {
                path: format!("{}/{}.html", lang.code(), page.name),
                text: frame::whole(page, &body, lang),
            });
        }
        files.push(File { path: format!("{}/search-index.js", lang.code()), text: search::script(&entries) });
    }
    for sample in sample::SAMPLES {
        files.push(file(&sample.request_path(), sample.request));
        files.push(file(&sample.reply_path(), sample.reply));
    }
    Ok(files)
}

/// The Markdown of each page, with its language and name: what its tests run and parse.
#[must_use]
pub fn sources() -> Vec<(Lang, &'static str, &'static str)> {
    let of = |lang| page::PAGES.iter().map(move |page| (lang, page.name, page.source(lang)));
    LANGS.into_iter().flat_map(of).collect()
}
