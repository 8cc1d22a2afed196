//! The published contract: WSDL and XSD documents, served at `?wsdl` and `?xsd=NAME` (wire.md 1).
//!
//! The files refer to each other by relative paths, so that they work from the disk too; whoever fetches them from the
//! service gets addresses of the service instead.

/// What stands before every address in the documents: `location="` and `schemaLocation="` both end so.
const ADDRESS: &str = "ocation=\"";

type Document = (&'static str, &'static str);

/// What is published at the address of one channel.
pub struct Contract {
    wsdl: &'static str,
    published: &'static [Document],
}

/// `SyncChannel` v10.
pub const SYNC: Contract = Contract {
    wsdl: include_str!("../../wsdl/SyncChannel.wsdl"),
    published: &[
        ("SyncChannelInterfaces.wsdl", include_str!("../../wsdl/SyncChannelInterfaces.wsdl")),
        ("SyncChannel.xsd", include_str!("../../schemas/SyncChannel.xsd")),
        ("SyncChannelRequest.xsd", include_str!("../../schemas/SyncChannelRequest.xsd")),
        ("SyncChannelResponse.xsd", include_str!("../../schemas/SyncChannelResponse.xsd")),
        COMMON,
        KDP,
        KDP_REQUEST,
        ("kdp-personal-data.xsd", include_str!("../../schemas/kdp-personal-data.xsd")),
        ("kdp-services.xsd", include_str!("../../schemas/kdp-services.xsd")),
        ("kdp-services-request.xsd", include_str!("../../schemas/kdp-services-request.xsd")),
    ],
};

/// `IAsyncChannelClient` of `AsyncChannel` v10: what ШЭП pushes to.
pub const ASYNC: Contract = Contract {
    wsdl: include_str!("../../wsdl/AsyncChannelClient.wsdl"),
    published: &[
        ("AsyncChannelClientInterfaces.wsdl", include_str!("../../wsdl/AsyncChannelClientInterfaces.wsdl")),
        ("AsyncChannel.xsd", include_str!("../../schemas/AsyncChannel.xsd")),
        ("AsyncChannelClient.xsd", include_str!("../../schemas/AsyncChannelClient.xsd")),
        ("AsyncChannelTypes.xsd", include_str!("../../schemas/AsyncChannelTypes.xsd")),
        ("AsyncChannelCommon.xsd", include_str!("../../schemas/AsyncChannelCommon.xsd")),
        COMMON,
        KDP,
        KDP_REQUEST,
    ],
};

const COMMON: Document = ("SyncChannelCommon.xsd", include_str!("../../schemas/SyncChannelCommon.xsd"));
const KDP: Document = ("kdp.xsd", include_str!("../../schemas/kdp.xsd"));
const KDP_REQUEST: Document = ("kdp-request.xsd", include_str!("../../schemas/kdp-request.xsd"));

impl Contract {
    /// Every NAME that `?xsd=NAME` knows. One is the abstract half of the WSDL, which the concrete half imports.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.published.iter().map(|(name, _)| *name)
    }

    /// The WSDL (1.1, UTF-8). `base_url` is the address of the service as the caller reaches it, without a query; it becomes
    /// the `soap:address` and the start of every import.
    #[must_use]
    pub fn wsdl(&self, base_url: &str) -> String {
        self.addressed(self.wsdl, base_url)
    }

    /// The published document called `name`, exactly as in [`Contract::names`], or `None` for a 404. `base_url` as in
    /// [`Contract::wsdl`].
    #[must_use]
    pub fn xsd(&self, name: &str, base_url: &str) -> Option<String> {
        let (_, text) = self.published.iter().find(|(published, _)| *published == name)?;
        Some(self.addressed(text, base_url))
    }

    /// Replaces each address: a published file by `base_url?xsd=NAME`, any other, which is the placeholder, by `base_url`.
    fn addressed(&self, text: &str, base_url: &str) -> String {
        let base_url = escaped(base_url);
        let mut out = String::with_capacity(text.len() + self.published.len() * (base_url.len() + 8));
        let mut rest = text;
        while let Some((before, (value, after))) =
            rest.split_once(ADDRESS).and_then(|(before, after)| Some((before, after.split_once('"')?)))
        {
            let file = value.rsplit('/').next().unwrap_or(value);
            out.extend([before, ADDRESS, &base_url]);
            if self.names().any(|name| name == file) {
                out.extend(["?xsd=", file]);
            }
            out.push('"');
            rest = after;
        }
        out.push_str(rest);
        out
    }
}

/// For an attribute value: the address comes from a request's Host or from the configuration, so it may hold anything.
fn escaped(text: &str) -> String {
    // A control character is none of XML's, and never one of a URL.
    text.replace(char::is_control, "")
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "https://kdp.example/shep/sync";

    #[test]
    fn the_wsdl_names_the_address_that_it_was_asked_at() {
        for (contract, abstract_half) in
            [(SYNC, "SyncChannelInterfaces.wsdl"), (ASYNC, "AsyncChannelClientInterfaces.wsdl")]
        {
            let text = contract.wsdl(BASE);
            assert!(text.contains(&format!("<soap:address location=\"{BASE}\"/>")));
            assert!(text.contains(&format!("location=\"{BASE}?xsd={abstract_half}\"")));
            assert!(!text.contains("127.0.0.1"));
        }
    }

    #[test]
    fn every_address_in_the_contract_leads_to_a_published_document() {
        for contract in [SYNC, ASYNC] {
            let mut reached = std::collections::BTreeSet::new();
            let mut open = vec![contract.wsdl(BASE)];
            while let Some(text) = open.pop() {
                for address in text.split(ADDRESS).skip(1).filter_map(|rest| rest.split('"').next()) {
                    let Some(name) = address.strip_prefix(BASE).unwrap().strip_prefix("?xsd=") else {
                        continue;
                    };
                    if reached.insert(name.to_owned()) {
                        open.push(contract.xsd(name, BASE).unwrap());
                    }
                }
            }
            assert!(contract.names().all(|name| reached.contains(name)), "{reached:?}");
        }
    }

    #[test]
    fn only_published_names_are_served() {
        for name in
            ["", "kdp", "KDP.XSD", "SyncChannel.wsdl", "aid-wsse.xsd", "../schemas/kdp.xsd", "kdp.xsd "]
        {
            assert_eq!(SYNC.xsd(name, BASE), None, "{name}");
        }
    }

    #[test]
    fn an_address_cannot_leave_its_attribute() {
        let text = SYNC.wsdl("http://h/\"/><evil a='&<\u{0}\n");
        assert!(text.contains("location=\"http://h/&quot;/&gt;&lt;evil a='&amp;&lt;\"/>"));
        assert!(!text.contains("<evil"));
    }
}
