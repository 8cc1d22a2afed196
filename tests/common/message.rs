//! One message of each kind that the contract knows, as the service would write it, unsigned but for one.

use std::collections::BTreeMap;

/// The children of data of an access request (wire.md 2.1).
pub const ACCESS: &str = "<uin>123456789012</uin><company>ТОО «Үлгі»</company><company_bin>123456789012</company_bin>\
    <access_name>A_token;B_token</access_name><personal_data_name>ФИО</personal_data_name><expiresIn>600000</expiresIn>\
    <omit-sms>true</omit-sms><ovt>a.b.c</ovt>";

const SIGNED: &str = include_str!("security.xml");

/// One message of each kind, by a name for it.
pub fn samples() -> BTreeMap<&'static str, String> {
    let in_k = ACCESS.replace("</", "\u{1}").replace('<', "<k:").replace('\u{1}', "</k:");
    let decision = "<k:status>VALID</k:status><k:code>a.b.c</k:code><k:public-key>AQID</k:public-key>\
        <k:request_id>r</k:request_id><k:reason>granted</k:reason><k:reason_text>да</k:reason_text>\
        <k:poll_after>5</k:poll_after><k:expires_at>2026-04-01T12:00:00.000+05:00</k:expires_at><k:decision_id>d</k:decision_id>";
    let time = "2026-04-01T12:00:00.000+05:00";
    let k = "xmlns:k='http://service.2fa-chain.kz/ns/kdp'";
    let v = "xmlns:v='urn:kdp:services:v1'";
    BTreeMap::from([
        ("access request", request("KDP_SERVICE", ACCESS)),
        ("signed", request("KDP_SERVICE", ACCESS).replace("<s:Body>", &format!("<s:Header>{SIGNED}</s:Header><s:Body>"))),
        ("second wrapper", envelope(&format!(
            "<k:sendMessageRequest {k}><k:request><k:requestInfo><k:messageId>1</k:messageId><k:serviceId>KDP_SERVICE</k:serviceId>\
             <k:sessionId>{{8c2d6a0e-51b5-4c7e-9a34-0f4c2f0f9d11}}</k:sessionId><k:messageDate>{time}</k:messageDate>\
             <k:sender><k:senderId>s</k:senderId></k:sender></k:requestInfo><k:requestData><k:data>{in_k}</k:data></k:requestData>\
             </k:request></k:sendMessageRequest>"))),
        ("decision", envelope(&format!(
            "<k:sendMessageResponse {k}><k:response><k:responseInfo><k:messageId>1</k:messageId><k:responseDate>{time}</k:responseDate>\
             <k:status><k:code>SCSS001</k:code><k:message>ok</k:message></k:status></k:responseInfo><k:responseData><k:data>{decision}\
             </k:data></k:responseData></k:response></k:sendMessageResponse>"))),
        ("decision in SyncChannel", response(&format!("<data {k}>{decision}</data>"))),
        ("fault", envelope(&format!(
            "<s:Fault><faultcode>s:Client</faultcode><faultstring>SCE001 text</faultstring><detail>\
             <t:SendMessageFault1_SendMessageFault xmlns:t='{T}'><errorCode>SCE001</errorCode><errorMessage>text</errorMessage>\
             <errorData>d</errorData><errorDate>{time}</errorDate></t:SendMessageFault1_SendMessageFault></detail></s:Fault>"))),
        ("personal data", request("KDP_PERSONALDATA",
            "<p:uin>123456789012</p:uin><p:start_date>2026-03-01T00:00:00</p:start_date><p:end_date>2026-04-01T00:00:00</p:end_date>")
            .replace("t:SendMessage", "t:SendMessageRequest")
            .replace("<data>", "<data xmlns:p='http://service.2fa-chain.kz/ns/kdp/personalData'>")),
        ("KDP_CHECK_TOKEN", request("KDP_CHECK_TOKEN", "<code>a.b.c</code><service_id>A_token</service_id>")),
        ("KDP_CHECK_TOKEN by id", request("KDP_CHECK_TOKEN", &format!(
            "<token_id>t</token_id><service_id>A_token</service_id><uin>123456789012</uin><requested_at>{time}</requested_at>\
             <auth_token>a</auth_token>"))),
        ("KDP_REVOKE", request("KDP_REVOKE", "<uin>123456789012</uin><token_id>t</token_id><applicant>subject</applicant>")),
        ("KDP_LIST_TO_REVOKE", request("KDP_LIST_TO_REVOKE", "<limit>10</limit>")),
        ("KDP_SEND_SOLUTION", request("KDP_SEND_SOLUTION",
            "<application_id>a</application_id><decision>refuse</decision><reason>r</reason><obligation>o</obligation>")),
        ("KDP_SEND_SOLUTION by an act", request("KDP_SEND_SOLUTION",
            "<application_id>a</application_id><decision>refuse</decision><reason>r</reason><act><name>n</name><number>1</number>\
             <date>2026-04-01</date><article>2</article></act><auth_token>a</auth_token>")),
        ("state of an application", request("KDP_REVOKE", "<application_id>a</application_id><auth_token>a</auth_token>")),
        ("KDP_SMS_REPLY", request("KDP_SMS_REPLY",
            &format!("<msisdn>77010000001</msisdn><text>ДА</text><received_at>{time}</received_at><sms_id>1</sms_id>"))),
        ("KDP_SMS_REPLY report", request("KDP_SMS_REPLY", "<sms_id>1</sms_id><state>undelivered</state>")),
        ("MCDB_SERVICE", request("MCDB_SERVICE", "<iin>123456789012</iin>")),
        ("SMS_1414", request("SMS_1414", &format!(
            "<sms_id>1</sms_id><msisdn>77010000001</msisdn><text>t</text><valid_until>{time}</valid_until>"))),
        ("token check", response(&format!(
            "<data {v}><v:active>true</v:active><v:status>active</v:status><v:checked_at>{time}</v:checked_at>\
             <v:receipt>a.b.c</v:receipt></data>"))),
        ("revocation", response(&format!(
            "<data {v}><v:application_id>a</v:application_id><v:deadline>2026-04-22</v:deadline><v:state>open</v:state>\
             <v:skipped_days><v:day><v:date>2026-04-04</v:date><v:reason>Saturday</v:reason></v:day></v:skipped_days></data>"))),
        ("token known", response(&format!(
            "<data {v}><v:active>false</v:active><v:status>expired</v:status><v:reason>token-expired</v:reason><v:token>\
             <v:token_id>t</v:token_id><v:uin>123456789012</v:uin><v:company_bin>123456789012</v:company_bin>\
             <v:service_id>A</v:service_id><v:service_id>B</v:service_id><v:method>3</v:method><v:ground_id>g</v:ground_id>\
             <v:directory_id>d</v:directory_id><v:request_id>r</v:request_id><v:personal_data_name>n</v:personal_data_name>\
             <v:issued_at>{time}</v:issued_at><v:expires_at>{time}</v:expires_at></v:token>\
             <v:revocation_pending>false</v:revocation_pending><v:checked_at>{time}</v:checked_at>\
             <v:receipt>a.b.c</v:receipt></data>"))),
        ("revocation refused", response(&format!(
            "<data {v}><v:application_id>a</v:application_id><v:deadline>2026-04-22</v:deadline><v:state>refused</v:state>\
             <v:reason>r</v:reason><v:contract><v:number>1</v:number><v:date>2026-04-01</v:date><v:name>n</v:name></v:contract>\
             </data>"))),
        ("list", response(&format!(
            "<data {v}><v:application><v:application_id>a</v:application_id><v:uin>123456789012</v:uin><v:token_id>t</v:token_id>\
             <v:filed_at>{time}</v:filed_at><v:deadline>2026-04-22</v:deadline><v:working_days_left>15</v:working_days_left>\
             </v:application></data>"))),
        ("solution", response(&format!(
            "<data {v}><v:application_id>a</v:application_id><v:state>approved</v:state></data>"))),
        ("refusal", response(&format!(
            "<data {v}><v:reason>nothing-to-revoke</v:reason><v:reason_text>t</v:reason_text>\
             <v:decision_id>d</v:decision_id></data>"))),
        ("log of accesses", response(
            "<data xmlns:p='http://service.2fa-chain.kz/ns/kdp/personalData'><p:uin>123456789012</p:uin>\
             <p:r_pdata>[]</p:r_pdata></data>")),
        ("empty list", response(&format!("<data {v}><v:next>a</v:next></data>"))),
        ("phones of a person named", response(&format!(
            "<data {v}><v:iin>123456789012</v:iin><v:msisdn>77010000001</v:msisdn><v:msisdn>77010000002</v:msisdn>\
             <v:status>found</v:status></data>"))),
        ("phone", response(&format!("<data {v}><v:msisdn>77010000001</v:msisdn><v:status>found</v:status></data>"))),
    ])
}

/// Edits that break one: its name, what is replaced, and by what.
pub const BROKEN: &[(&str, &str, &str)] = &[
    ("access request", "<uin>123456789012</uin>", ""),
    ("access request", "<uin>123456789012</uin>", "<uin>123456789012</uin><uin>123456789012</uin>"),
    ("access request", "<uin>123456789012</uin>", "<uin>12345678901</uin>"),
    ("access request", "<expiresIn>600000</expiresIn>", "<expiresIn>ten minutes</expiresIn>"),
    ("access request", "<omit-sms>true</omit-sms>", "<omit-sms>perhaps</omit-sms>"),
    ("access request", "<omit-sms>true</omit-sms>", "<method>6</method>"),
    ("access request", "<omit-sms>true</omit-sms>", "<omitsms>true</omitsms>"),
    ("access request", "<serviceId>KDP_SERVICE</serviceId>", "<serviceId>KDP_OTHER</serviceId>"),
    ("access request", "<messageId>1</messageId>", ""),
    ("access request", "12:00:00.000+05:00", "12:00:00.000+0500"),
    ("access request", "<sender><senderId>s</senderId>", "<sender>"),
    ("access request", "<request>", "<request xmlns='http://bip.bee.kz/SyncChannel/v10/Types'>"),
    ("access request", "t:SendMessage", "t:SendMessages"),
    ("access request", "s:Body", "s:Torso"),
    ("access request", "<s:Body>", "<s:Body mustUnderstand='1'>"),
    ("access request", "</s:Body>", "</s:Body><after/>"),
    ("second wrapper", "<k:serviceId>KDP_SERVICE</k:serviceId>", ""),
    ("second wrapper", "<k:uin>123456789012</k:uin>", "<k:uin>1</k:uin>"),
    ("second wrapper", "<k:uin>123456789012</k:uin>", "<uin>123456789012</uin>"),
    ("second wrapper", "<k:sessionId>{", "<k:sessionId>"),
    ("decision", "<k:status>VALID</k:status>", ""),
    ("decision", "<k:code>SCSS001</k:code>", "<k:code>SCSS002</k:code>"),
    ("decision", "<k:code>a.b.c</k:code>", "<k:code>a.b\n.c</k:code>"),
    ("decision", "<k:public-key>AQID</k:public-key>", "<k:public-key>AQ ID</k:public-key>"),
    ("decision", "<k:poll_after>", "<k:poll_after>-"),
    ("decision", "<k:reason>granted</k:reason>", "<k:reason>Granted!</k:reason>"),
    ("decision", "<k:status>VALID</k:status>", "<status>VALID</status>"),
    ("decision in SyncChannel", "<k:status>VALID</k:status>", "<k:state>VALID</k:state>"),
    ("fault", "<errorCode>SCE001</errorCode>", ""),
    ("fault", "<faultcode>s:Client</faultcode>", "<faultcode>x:Client</faultcode>"),
    ("fault", "<faultcode>s:Client</faultcode>", "<faultcode>s:Client.Format</faultcode>"),
    ("fault", "<faultstring>SCE001 text</faultstring>", "<s:faultstring>SCE001 text</s:faultstring>"),
    ("signed", "xmldsig-more#rsa-sha256", "xmldsig-more#rsa-sha1"),
    ("signed", "<ds:DigestValue>AQID", "<ds:DigestValue>A"),
    ("signed", "</ds:SignedInfo>", "</ds:SignedInfo><ds:SignedInfo/>"),
    ("signed", "URI=\"#b\"", "URI=\"\""),
    ("personal data", "<p:end_date>2026-04-01T00:00:00</p:end_date>", ""),
    ("KDP_CHECK_TOKEN", "<code>a.b.c</code>", ""),
    ("KDP_CHECK_TOKEN", "<code>a.b.c</code>", "<code>a.b.c</code><token_id>1</token_id>"),
    ("KDP_SMS_REPLY", "<text>ДА</text>", ""),
    ("KDP_SMS_REPLY report", "undelivered", "buffered"),
    ("KDP_SMS_REPLY report", "<sms_id>1</sms_id>", "<text>ДА</text><sms_id>1</sms_id>"),
    ("KDP_SEND_SOLUTION", "<obligation>o</obligation>", ""),
    (
        "KDP_SEND_SOLUTION",
        "<obligation>o</obligation>",
        "<obligation>o</obligation><obligation>p</obligation>",
    ),
    ("KDP_REVOKE", "<applicant>subject</applicant>", "<applicant>neighbour</applicant>"),
    (
        "KDP_REVOKE",
        "<applicant>subject</applicant>",
        "<applicant>subject</applicant><application_id>1</application_id>",
    ),
    ("KDP_CHECK_TOKEN by id", "<auth_token>a</auth_token>", "<auth_token/>"),
    (
        "KDP_CHECK_TOKEN by id",
        "<auth_token>a</auth_token>",
        "<auth_token>a</auth_token><auth_token>b</auth_token>",
    ),
    ("KDP_SEND_SOLUTION by an act", "<article>2</article>", ""),
    ("KDP_SEND_SOLUTION by an act", "<date>2026-04-01</date>", "<date>01.04.2026</date>"),
    ("KDP_SEND_SOLUTION by an act", "<reason>r</reason>", ""),
    ("state of an application", "<application_id>a</application_id>", "<application_id/>"),
    ("token check", "<v:status>active</v:status>", "<v:status>alive</v:status>"),
    ("token check", "<v:receipt>a.b.c</v:receipt>", ""),
    ("token check", "<v:receipt>a.b.c</v:receipt>", "<v:receipt>a.b</v:receipt>"),
    ("token known", "<v:service_id>A</v:service_id><v:service_id>B</v:service_id>", ""),
    ("token known", "<v:token_id>t</v:token_id>", ""),
    ("token known", "<v:method>3</v:method>", "<v:method>6</v:method>"),
    ("token known", "<v:reason>token-expired</v:reason>", "<v:reason>Token expired</v:reason>"),
    ("revocation", "<v:state>open</v:state>", "<v:state>closed</v:state>"),
    ("revocation refused", "<v:name>n</v:name>", ""),
    ("revocation refused", "<v:reason>r</v:reason>", ""),
    (
        "list",
        "<v:working_days_left>15</v:working_days_left>",
        "<v:working_days_left>-1</v:working_days_left>",
    ),
    ("list", "<v:token_id>t</v:token_id>", ""),
    ("solution", "<v:state>approved</v:state>", ""),
    ("refusal", "<v:reason>nothing-to-revoke</v:reason>", ""),
    ("refusal", "<v:reason>nothing-to-revoke</v:reason>", "<v:reason>Nothing</v:reason>"),
    ("refusal", "<v:decision_id>d</v:decision_id>", ""),
    ("refusal", "<v:reason_text>t</v:reason_text>", "<v:reason_text/>"),
    ("log of accesses", "<p:r_pdata>[]</p:r_pdata>", ""),
    ("log of accesses", "<p:uin>123456789012</p:uin>", "<p:uin>12345678901</p:uin>"),
];

const T: &str = "http://bip.bee.kz/SyncChannel/v10/Types";

/// A request in the wrapper of ШЭП; `data` is XML.
pub fn request(service: &str, data: &str) -> String {
    envelope(&format!(
        "<t:SendMessage xmlns:t='{T}'><request><requestInfo><messageId>1</messageId><serviceId>{service}</serviceId>\
         <messageDate>2026-04-01T12:00:00.000+05:00</messageDate><sender><senderId>s</senderId><password>p</password></sender>\
         </requestInfo><requestData><data>{data}</data></requestData></request></t:SendMessage>"
    ))
}

fn response(data: &str) -> String {
    envelope(&format!(
        "<t:SendMessageResponse xmlns:t='{T}'><response><responseInfo><messageId>1</messageId>\
         <responseDate>2026-04-01T12:00:00.000+05:00</responseDate><status><code>SCSS001</code><message>ok</message></status>\
         </responseInfo><responseData>{data}</responseData></response></t:SendMessageResponse>"
    ))
}

fn envelope(body: &str) -> String {
    format!(
        "<s:Envelope xmlns:s='http://schemas.xmlsoap.org/soap/envelope/'><s:Body>{body}</s:Body></s:Envelope>"
    )
}
