import java.io.*;
import java.net.URI;
import java.net.http.*;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.security.*;
import java.security.cert.*;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.*;
import java.time.temporal.ChronoUnit;
import java.util.*;
import java.util.regex.Pattern;
import javax.xml.crypto.dom.DOMStructure;
import javax.xml.crypto.dsig.*;
import javax.xml.crypto.dsig.dom.*;
import javax.xml.crypto.dsig.spec.*;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.transform.*;
import javax.xml.transform.dom.DOMSource;
import javax.xml.transform.stream.StreamResult;
import javax.xml.xpath.*;
import org.w3c.dom.*;

/**
 * A minimal client of КДП: signs a request, sends it, verifies the answer, reads the security token. JDK 17, nothing else.
 *
 * <pre>
 * eval "$(python3 ../settings.py)"   # settings of a sandbox on this machine; elsewhere set the variables yourself
 * java -Dfile.encoding=UTF-8 Client.java
 * </pre>
 *
 * Asks by method 2 (a verification token of your own); with KDP_METHOD=1 the subject is asked by SMS. The certificate
 * goes with the signature as wsse:KeyIdentifier (X509v3). Exit 0: VALID; 1: a no, or a fault; 2: nothing to believe.
 */
public class Client {
    static final String SOAP = "http://schemas.xmlsoap.org/soap/envelope/";
    static final String TYPES = "http://bip.bee.kz/SyncChannel/v10/Types";
    static final String WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";
    static final String WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";
    static final String X509V3 = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3";
    static final String BASE64 = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary";
    static final String EXC_C14N = "http://www.w3.org/2001/10/xml-exc-c14n#";
    static final String RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
    static final String SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256";
    static final String BODY = "/*[local-name()='Envelope']/*[local-name()='Body']";
    static final ZoneOffset ASTANA = ZoneOffset.ofHours(5);
    static final XMLSignatureFactory DSIG = XMLSignatureFactory.getInstance("DOM");

    final String url = setting("KDP_URL", "http://127.0.0.1:8414/shep/sync");
    final String method = setting("KDP_METHOD", "2");
    final String uin = setting("KDP_UIN", "800101399015");
    final String bin = setting("KDP_BIN", "260140990117");
    final String company = setting("KDP_COMPANY", "АО «Песочный банк»");
    final String services = setting("KDP_SERVICES", "GBDFLUniversal_token");
    final String sender = setting("KDP_SENDER", "bank_kdp");
    final String password = setting("KDP_PASSWORD", null);
    final PrivateKey key = key(setting("KDP_KEY", null));
    final X509Certificate certificate = certificate(setting("KDP_CERT", null));
    // The certificate of the service is pinned: what comes with the answer proves nothing about who signed it.
    final X509Certificate service = certificate(setting("KDP_TRUST", null));

    Client() throws Exception {}

    public static void main(String[] arguments) {
        // Else the JDK breaks base64 into lines, on Windows by CR LF, which becomes &#13; in XML.
        System.setProperty("com.sun.org.apache.xml.internal.security.ignoreLineBreaks", "true");
        System.setOut(new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8));
        // JDK 17 reads sources in the encoding of the locale: what was read wrong would be signed, and be valid.
        if (!"Қ".equals("\u049A")) {
            System.err.println("this source is UTF-8: java -Dfile.encoding=UTF-8 Client.java");
            System.exit(2);
        }
        try {
            System.exit(new Client().ask());
        } catch (Exception error) {
            System.err.println(error.getMessage() == null ? error : error.getMessage());
            System.exit(2);
        }
    }

    int ask() throws Exception {
        String requestId = null;
        while (true) {
            Document request = parse(envelope(requestId).getBytes(StandardCharsets.UTF_8));
            sign(request);
            Map<String, String> data = read(post(octets(request)));
            if (data == null) {
                return 1;
            }
            System.out.println("status       " + data.get("status"));
            System.out.println("reason       " + data.get("reason") + "  " + data.get("reason_text"));
            if ("VALID".equals(data.get("status"))) {
                show(data.get("code"));
                return 0;
            }
            if (!"PENDING".equals(data.get("status"))) {
                System.out.println("decision     " + data.get("decision_id"));
                return 1;
            }
            // Method 1: the subject has not answered yet. Ask again under the request's id, not sooner than told.
            requestId = data.get("request_id");
            Thread.sleep(1000 * Long.parseLong(data.getOrDefault("poll_after", "5")));
        }
    }

    /** The children of data, in the order of the contract. expiresIn is in milliseconds. */
    String payload(String requestId) throws Exception {
        Map<String, String> fields = new LinkedHashMap<>();
        fields.put("uin", uin);
        fields.put("company", company);
        fields.put("company_bin", bin);
        fields.put("company_responsible", "Отдел заявок");
        fields.put("employee_name", "Проверка");
        fields.put("access_name", services);
        fields.put("personal_data_name", "ФИО, адрес");
        fields.put("expiresIn", "600000");
        fields.put("omit-sms", String.valueOf(method.equals("2")));
        if (method.equals("2")) {
            fields.put("ovt", ovt());
        }
        if (requestId != null) {
            fields.put("request_id", requestId);
        }
        StringBuilder data = new StringBuilder();
        fields.forEach((name, value) -> data.append("<" + name + ">" + xml(value) + "</" + name + ">"));
        return data.toString();
    }

    /** A verification token: "we have the consent". iat and exp are numbers, in seconds (not milliseconds). */
    String ovt() throws Exception {
        long now = Instant.now().getEpochSecond();
        String claims = "{\"cbin\":\"%s\",\"uin\":\"%s\",\"mcheck\":\"BIO\",\"iat\":%d,\"exp\":%d,\"jti\":\"%s\"}"
            .formatted(bin, uin, now, now + 3600, UUID.randomUUID());
        String signed = base64url("{\"alg\":\"RS256\",\"typ\":\"JWT\"}".getBytes(StandardCharsets.UTF_8))
            + "." + base64url(claims.getBytes(StandardCharsets.UTF_8));
        Signature rsa = Signature.getInstance("SHA256withRSA");
        rsa.initSign(key);
        rsa.update(signed.getBytes(StandardCharsets.US_ASCII));
        return signed + "." + base64url(rsa.sign());
    }

    /** The request without its signature. Everything inside SendMessage is unqualified: no xmlns on it. */
    String envelope(String requestId) throws Exception {
        return "<soap:Envelope xmlns:soap=\"" + SOAP + "\"><soap:Header><wsse:Security xmlns:wsse=\"" + WSSE
            + "\" soap:mustUnderstand=\"1\"/></soap:Header>"
            + "<soap:Body xmlns:wsu=\"" + WSU + "\" wsu:Id=\"body-" + UUID.randomUUID() + "\">"
            + "<tns:SendMessage xmlns:tns=\"" + TYPES + "\"><request><requestInfo>"
            + "<messageId>" + UUID.randomUUID() + "</messageId><serviceId>KDP_SERVICE</serviceId>"
            + "<messageDate>" + OffsetDateTime.now(ASTANA).truncatedTo(ChronoUnit.MILLIS) + "</messageDate>"
            + "<sender><senderId>" + xml(sender) + "</senderId><password>" + xml(password) + "</password></sender>"
            + "</requestInfo><requestData><data>" + payload(requestId) + "</data></requestData></request>"
            + "</tns:SendMessage></soap:Body></soap:Envelope>";
    }

    /** One signature over the Body, in wsse:Security. After this not one byte of the Body may change. */
    void sign(Document request) throws Exception {
        Element header = (Element) request.getDocumentElement().getFirstChild();
        Element body = (Element) request.getDocumentElement().getLastChild();
        // A DOM knows no ids by itself. The Reference finds the Body by wsu:Id, in this namespace and no other.
        body.setIdAttributeNS(WSU, "Id", true);
        // Exclusive C14N: the inclusive one would digest the namespaces of the Envelope too.
        Reference reference = DSIG.newReference("#" + body.getAttributeNS(WSU, "Id"),
            DSIG.newDigestMethod(SHA256, null),
            List.of(DSIG.newTransform(EXC_C14N, (TransformParameterSpec) null)), null, null);
        SignedInfo info = DSIG.newSignedInfo(DSIG.newCanonicalizationMethod(EXC_C14N, (C14NMethodParameterSpec) null),
            DSIG.newSignatureMethod(RSA_SHA256, null), List.of(reference));
        Element token = request.createElementNS(WSSE, "wsse:SecurityTokenReference");
        Element identifier = request.createElementNS(WSSE, "wsse:KeyIdentifier");
        identifier.setAttribute("EncodingType", BASE64);
        identifier.setAttribute("ValueType", X509V3);
        identifier.setTextContent(Base64.getEncoder().encodeToString(certificate.getEncoded()));
        token.appendChild(identifier);
        DOMSignContext context = new DOMSignContext(key, header.getFirstChild());
        context.setDefaultNamespacePrefix("ds");
        var keyInfo = DSIG.getKeyInfoFactory().newKeyInfo(List.of(new DOMStructure(token)));
        DSIG.newXMLSignature(info, keyInfo).sign(context);
    }

    /** Sends octets, not text: nobody may encode the Cyrillic anew. A fault comes with HTTP 500 and has a body too. */
    byte[] post(byte[] request) throws Exception {
        HttpRequest post = HttpRequest.newBuilder(URI.create(url)).timeout(Duration.ofSeconds(30))
            .header("Content-Type", "text/xml; charset=utf-8").header("SOAPAction", "\"\"")
            .POST(HttpRequest.BodyPublishers.ofByteArray(request)).build();
        HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
        return client.send(post, HttpResponse.BodyHandlers.ofByteArray()).body();
    }

    /** The children of data, from the very Body whose signature was verified; null after a fault. */
    Map<String, String> read(byte[] octets) throws Exception {
        Document answer = parse(octets);
        if (!text(answer, "count(//*[local-name()='Fault'])").equals("0")) {
            System.out.println("fault        " + text(answer, "//*[local-name()='faultstring']"));
            System.out.println("code         " + text(answer, "//*[local-name()='errorCode']"));
            System.out.println("what to do   " + text(answer, "//*[local-name()='errorData']"));
            return null;
        }
        verify(answer);
        String status = BODY + "//*[local-name()='responseInfo']/*[local-name()='status']/*[local-name()='%s']";
        if (!text(answer, status.formatted("code")).equals("SCSS001")) {
            // SCSE002 names the element that is wrong; SCSE003 is the service's own failure, and safe to repeat.
            System.out.println(text(answer, status.formatted("code")) + "      "
                + text(answer, status.formatted("message")));
        }
        Map<String, String> data = new LinkedHashMap<>();
        NodeList children = nodes(answer, BODY + "//*[local-name()='responseData']/*[local-name()='data']/*");
        for (int n = 0; n < children.getLength(); n++) {
            data.put(children.item(n).getLocalName(), children.item(n).getTextContent());
        }
        return data;
    }

    void verify(Document answer) throws Exception {
        NodeList bodies = nodes(answer, BODY);
        NodeList signatures = nodes(answer, "/*/*[local-name()='Header']/*/*[local-name()='Signature']");
        if (bodies.getLength() != 1 || signatures.getLength() != 1) {
            throw new SecurityException("the answer is not signed");
        }
        Element body = (Element) bodies.item(0);
        body.setIdAttributeNS(WSU, "Id", true);
        DOMValidateContext context = new DOMValidateContext(service.getPublicKey(), signatures.item(0));
        XMLSignature signature = DSIG.unmarshalXMLSignature(context);
        // What is read must be what was signed: the one reference has to name this Body.
        List<Reference> references = signature.getSignedInfo().getReferences();
        String id = body.getAttributeNS(WSU, "Id");
        if (references.size() != 1 || id.isEmpty() || !("#" + id).equals(references.get(0).getURI())
            || !text(answer, "count(//@*[.='" + id.replace("'", "") + "'])").equals("1")) {
            throw new SecurityException("the signature is not over the Body");
        }
        if (!RSA_SHA256.equals(signature.getSignedInfo().getSignatureMethod().getAlgorithm())
            || !signature.validate(context)) {
            throw new SecurityException("the answer is not signed by the service, or was changed on its way");
        }
    }

    /** What the security token says; exp is in seconds. (The owner of the register verifies it: kdp token verify.) */
    static void show(String token) {
        String claims = new String(Base64.getUrlDecoder().decode(token.split("\\.")[1]), StandardCharsets.UTF_8);
        System.out.println("claims       " + claims);
        var exp = Pattern.compile("\"exp\":(\\d+)").matcher(claims);
        if (exp.find()) {
            Instant end = Instant.ofEpochSecond(Long.parseLong(exp.group(1)));
            System.out.println("valid until  " + end.atOffset(ASTANA));
        }
        System.out.println("token\n" + token);
    }

    /** What is no XML is told by the parser's message: a page of a proxy, say. */
    static Document parse(byte[] octets) throws Exception {
        DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
        // Without it the DOM has no namespaces, and every signature is wrong.
        factory.setNamespaceAware(true);
        factory.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
        var builder = factory.newDocumentBuilder();
        builder.setErrorHandler(null);
        return builder.parse(new ByteArrayInputStream(octets));
    }

    /** UTF-8 and as it is: OutputKeys.INDENT after signing breaks the signature. */
    static byte[] octets(Document document) throws Exception {
        Transformer transformer = TransformerFactory.newInstance().newTransformer();
        transformer.setOutputProperty(OutputKeys.ENCODING, "UTF-8");
        transformer.setOutputProperty(OutputKeys.INDENT, "no");
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        transformer.transform(new DOMSource(document), new StreamResult(out));
        return out.toByteArray();
    }

    static String text(Document document, String path) throws Exception {
        return XPathFactory.newInstance().newXPath().evaluate(path, document);
    }

    static NodeList nodes(Document document, String path) throws Exception {
        return (NodeList) XPathFactory.newInstance().newXPath().evaluate(path, document, XPathConstants.NODESET);
    }

    static PrivateKey key(String file) throws Exception {
        String pem = Files.readString(Path.of(file)).replaceAll("-----[^-]+-----", "");
        byte[] pkcs8 = Base64.getMimeDecoder().decode(pem);
        return KeyFactory.getInstance("RSA").generatePrivate(new PKCS8EncodedKeySpec(pkcs8));
    }

    static X509Certificate certificate(String file) throws Exception {
        try (var in = Files.newInputStream(Path.of(file))) {
            return (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(in);
        }
    }

    static String setting(String name, String otherwise) {
        String value = System.getenv().getOrDefault(name, otherwise);
        if (value == null) {
            throw new IllegalStateException("set " + name + "; on a sandbox: eval \"$(python3 settings.py)\"");
        }
        return value;
    }

    static String xml(String value) {
        return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;");
    }

    static String base64url(byte[] octets) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(octets);
    }
}
