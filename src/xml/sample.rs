//! Documents for the property tests: namespaces bound anew at random, text with
//! everything that is escaped, comments, instructions, CDATA.

use proptest::prelude::*;

/// A well-formed document that declares every prefix it uses.
pub(super) fn document() -> impl Strategy<Value = String> {
    (node(), prolog(), prolog()).prop_map(|(inner, before, after)| {
        format!(
            "{before}<p:root xmlns=\"urn:0\" xmlns:p=\"urn:1\" xmlns:q=\"urn:2\" xml:lang=\"kk\">\
             {inner}</p:root>{after}"
        )
    })
}

fn prolog() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["", "\n", "<!-- around -->", "<?around it?>\r\n"])
}

fn node() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![text(), attributeless_leaf()];
    leaf.prop_recursive(5, 40, 5, |inner| {
        (name(), attributes(), prop::collection::vec(inner, 0..5)).prop_map(|(name, attributes, children)| {
            format!("<{name}{attributes}>{}</{name}>", children.concat())
        })
    })
}

fn attributeless_leaf() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "<!-- c\r\nd -->",
        "<?pi  data\r\n?>",
        "<?bare?>",
        "<q:e/>",
        "<![CDATA[<&>\r\n]]]]><![CDATA[>]]>",
    ])
    .prop_map(str::to_owned)
}

fn name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["a", "b", "p:a", "p:b", "q:a", "q:жсн"])
}

/// Text as it stands in a document, already escaped.
fn text() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "&amp;",
        "&lt;",
        "]]&gt;",
        "&#13;",
        "&#x9;",
        "\r\n",
        "\r",
        "\n",
        "\t",
        " ",
        "\"",
        "'",
        ">",
        "жсн",
        "\u{1F4DC}",
        "900101300017",
        "qazaqstan-respublikasy-azamaty",
    ]);
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

/// A choice of namespace declarations and attributes, none twice.
fn attributes() -> impl Strategy<Value = String> {
    let choices = [
        " xmlns='urn:0'",
        " xmlns:p='urn:3'",
        " xmlns:q='urn:2'",
        " xmlns:unused='urn:4'",
        " p:m='&#10;x\ty'",
        " q:n='&quot;&amp;&lt;>'",
        " m='plain'",
        " xml:space='default'",
        " xml:lang='ru'",
        " m2='a\r\nb'",
    ];
    prop::sample::subsequence(choices.to_vec(), 0..5).prop_shuffle().prop_map(|chosen| chosen.concat())
}
