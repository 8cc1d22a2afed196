import java.nio.charset.StandardCharsets
import java.nio.file.Files
import java.nio.file.Paths
import java.security.KeyFactory
import java.security.Signature
import java.security.spec.PKCS8EncodedKeySpec
import java.util.Base64

// A verification token (ovt): "we have the consent". iat and exp are numbers, in seconds (not milliseconds).
def project = testRunner.getTestCase().getTestSuite().getProject()
def now = System.currentTimeMillis().intdiv(1000)
def claims = String.format('{"cbin":"%s","uin":"%s","mcheck":"BIO","iat":%d,"exp":%d,"jti":"%s"}',
    project.getPropertyValue('bin'), project.getPropertyValue('uin'), now, now + 3600, UUID.randomUUID())
def base64url = Base64.getUrlEncoder().withoutPadding()
def part = { text -> base64url.encodeToString(text.getBytes(StandardCharsets.UTF_8)) }
def signed = part('{"alg":"RS256","typ":"JWT"}') + '.' + part(claims)
// The key as PKCS#8 in PEM, as the sandbox has it in pki/.
def pem = new String(Files.readAllBytes(Paths.get(project.getPropertyValue('key'))), StandardCharsets.US_ASCII)
def pkcs8 = Base64.getMimeDecoder().decode(pem.replaceAll('-----[^-]+-----', ''))
def rsa = Signature.getInstance('SHA256withRSA')
rsa.initSign(KeyFactory.getInstance('RSA').generatePrivate(new PKCS8EncodedKeySpec(pkcs8)))
rsa.update(signed.getBytes(StandardCharsets.US_ASCII))
project.setPropertyValue('ovt', signed + '.' + base64url.encodeToString(rsa.sign()))
