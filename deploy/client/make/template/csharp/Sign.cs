// Signs an envelope of КДП by SignedXml: what stands beside this file was written by it.
//
//     mcs -r:System.Security Sign.cs          (Mono; in .NET: the package System.Security.Cryptography.Xml)
//     mono Sign.exe bank.p12 PASSWORD unsigned.xml KeyIdentifier > signed.xml
//
// The envelope has a Body with u:Id="_1" and no Security yet. Forms of KeyInfo: KeyIdentifier, IssuerSerial,
// BinarySecurityToken, X509Data.
using System;
using System.IO;
using System.Security.Cryptography.X509Certificates;
using System.Security.Cryptography.Xml;
using System.Text;
using System.Xml;

/// <summary>SignedXml looks for Id without a namespace alone, and finds no Body of WS-Security.</summary>
class WsuSignedXml : SignedXml
{
    const string Wsu = "@WSU@";

    public WsuSignedXml(XmlDocument document) : base(document) { }

    public override XmlElement GetIdElement(XmlDocument document, string id)
    {
        foreach (XmlElement element in document.GetElementsByTagName("*"))
        {
            if (element.GetAttribute("Id", Wsu) == id)
            {
                return element;
            }
        }
        return null;
    }
}

static class Sign
{
    const string Soap = "@SOAP@";
    const string Wsse = "@WSSE@";
    const string Wsu = "@WSU@";
    const string X509V3 = "@X509V3@";
    const string Base64 = "@BASE64@";
    const string BodyId = "_1";

    static void Main(string[] arguments)
    {
        var certificate = new X509Certificate2(arguments[0], arguments[1], X509KeyStorageFlags.Exportable);
        // Without PreserveWhitespace .NET drops blanks that were signed, or are going to be.
        var envelope = new XmlDocument { PreserveWhitespace = true };
        envelope.Load(arguments[2]);
        AddSecurity(envelope, certificate, arguments[3]);
        // OuterXml as UTF-8 without a byte order mark. XmlWriterSettings.Indent after signing breaks the signature.
        var octets = new UTF8Encoding(false).GetBytes(envelope.OuterXml);
        using (var output = Console.OpenStandardOutput())
        {
            output.Write(octets, 0, octets.Length);
        }
    }

    static void AddSecurity(XmlDocument envelope, X509Certificate2 certificate, string form)
    {
        var header = (XmlElement)envelope.GetElementsByTagName("Header", Soap)[0];
        var security = envelope.CreateElement("o", "Security", Wsse);
        security.SetAttribute("mustUnderstand", Soap, "1");
        header.AppendChild(security);
        var signed = new WsuSignedXml(envelope) { SigningKey = certificate.PrivateKey };
        // Exclusive C14N in both places, SHA-256 in both places: the defaults of .NET Framework are others.
        signed.SignedInfo.CanonicalizationMethod = SignedXml.XmlDsigExcC14NTransformUrl;
        signed.SignedInfo.SignatureMethod = "@RSA_SHA256@";
        var body = new Reference("#" + BodyId) { DigestMethod = "@SHA256@" };
        body.AddTransform(new XmlDsigExcC14NTransform());
        signed.AddReference(body);
        signed.KeyInfo = Shown(envelope, security, certificate, form);
        signed.ComputeSignature();
        security.AppendChild(envelope.ImportNode(signed.GetXml(), true));
    }

    static KeyInfo Shown(XmlDocument envelope, XmlElement security, X509Certificate2 certificate, string form)
    {
        var info = new KeyInfo();
        if (form == "X509Data")
        {
            info.AddClause(new KeyInfoX509Data(certificate));
            return info;
        }
        var reference = envelope.CreateElement("o", "SecurityTokenReference", Wsse);
        if (form == "IssuerSerial")
        {
            var data = new KeyInfoX509Data();
            data.AddIssuerSerial(certificate.Issuer, certificate.SerialNumber);
            reference.AppendChild(envelope.ImportNode(data.GetXml(), true));
        }
        else if (form == "BinarySecurityToken")
        {
            var id = "@TOKEN_ID@";
            var token = Certificate(envelope, "BinarySecurityToken", certificate);
            token.SetAttribute("Id", Wsu, id);
            security.AppendChild(token);
            var pointer = envelope.CreateElement("o", "Reference", Wsse);
            pointer.SetAttribute("ValueType", X509V3);
            pointer.SetAttribute("URI", "#" + id);
            reference.AppendChild(pointer);
        }
        else
        {
            reference.AppendChild(Certificate(envelope, "KeyIdentifier", certificate));
        }
        info.AddClause(new KeyInfoNode(reference));
        return info;
    }

    static XmlElement Certificate(XmlDocument envelope, string name, X509Certificate2 certificate)
    {
        var element = envelope.CreateElement("o", name, Wsse);
        element.SetAttribute("ValueType", X509V3);
        element.SetAttribute("EncodingType", Base64);
        element.InnerText = Convert.ToBase64String(certificate.RawData);
        return element;
    }
}
