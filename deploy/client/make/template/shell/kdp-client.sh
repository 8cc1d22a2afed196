#!/usr/bin/env bash
# A minimal client of КДП: signs a request, sends it, verifies the answer, reads the security token.
#
#   apt install xmlsec1 libxml2-utils curl openssl
#   eval "$(python3 ../settings.py)"     # settings of a sandbox on this machine; elsewhere set the variables yourself
#   bash kdp-client.sh
#
# Asks by method 2 (a verification token of your own); with KDP_METHOD=1 the subject is asked by SMS. The certificate
# goes with the signature as wsse:KeyIdentifier (X509v3). Exit 0: VALID; 1: a no, or a fault; 2: nothing to believe.
set -euo pipefail

: "${KDP_KEY:?set it; on a sandbox: eval \"\$(python3 settings.py)\"}" "${KDP_CERT:?}" "${KDP_TRUST:?}" "${KDP_PASSWORD:?}"
url=${KDP_URL:-@URL@}
method=${KDP_METHOD:-2}
uin=${KDP_UIN:-@UIN@}
bin=${KDP_BIN:-@BIN@}
company=${KDP_COMPANY:-@COMPANY@}
services=${KDP_SERVICES:-@SERVICES@}
sender=${KDP_SENDER:-@SENDER@}

readonly SOAP=@SOAP@ BODY="/*[local-name()='Envelope']/*[local-name()='Body']"
# From 1.3 on xmlsec1 takes the key that it is given only when told so.
lax=$(xmlsec1 --help-verify 2>&1 | grep -om1 -e --lax-key-search || true)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
umask 077

main() {
    local request_id='' status
    while true; do
        envelope "$request_id" >"$folder/unsigned.xml"
        sign "$folder/unsigned.xml" >"$folder/request.xml"
        post "$folder/request.xml" >"$folder/answer.xml" || { echo "no answer from $url" >&2; exit 2; }
        stop_at_fault
        verify
        status=$(data status)
        echo "status       ${status:=ERROR}"
        echo "reason       $(data reason)  $(data reason_text)"
        [[ $status == PENDING ]] || break
        # Method 1: the subject has not answered yet. Ask again under the request's id, not sooner than told.
        request_id=$(data request_id)
        sleep "$(data poll_after)"
    done
    if [[ $status != VALID ]]; then
        # SCSE002 names the element that is wrong; SCSE003 is the service's own failure, and safe to repeat.
        echo "code         $(info code) $(info message)"
        echo "decision     $(data decision_id)"
        exit 1
    fi
    show "$(data code)"
}

# The request without its signature. Everything inside SendMessage is unqualified; expiresIn is in milliseconds.
# The Reference finds the Body by wsu:Id: an Id without this namespace is not found. xmlsec1 fills in what is empty.
envelope() {
    local body_id
    body_id=body-$(uuid)
    cat <<END
<?xml version="1.0" encoding="UTF-8"?>
<soap:Envelope xmlns:soap="$SOAP"><soap:Header><wsse:Security xmlns:wsse="@WSSE@" soap:mustUnderstand="1"><ds:Signature xmlns:ds="@DS@"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="@EXC@"/><ds:SignatureMethod Algorithm="@RSA_SHA256@"/><ds:Reference URI="#$body_id"><ds:Transforms><ds:Transform Algorithm="@EXC@"/></ds:Transforms><ds:DigestMethod Algorithm="@SHA256@"/><ds:DigestValue/></ds:Reference></ds:SignedInfo><ds:SignatureValue/><ds:KeyInfo><wsse:SecurityTokenReference><wsse:KeyIdentifier EncodingType="@BASE64@" ValueType="@X509V3@">$(openssl x509 -in "$KDP_CERT" -outform DER | openssl base64 -A)</wsse:KeyIdentifier></wsse:SecurityTokenReference></ds:KeyInfo></ds:Signature></wsse:Security></soap:Header>
<soap:Body xmlns:wsu="@WSU@" wsu:Id="$body_id"><tns:SendMessage xmlns:tns="@SYNC@"><request>
<requestInfo>
<messageId>$(uuid)</messageId>
<serviceId>@SERVICE_ID@</serviceId>
<messageDate>$(TZ=UTC-5 date +%Y-%m-%dT%H:%M:%S+05:00)</messageDate>
<sender><senderId>$(xml "$sender")</senderId><password>$(xml "$KDP_PASSWORD")</password></sender>
</requestInfo>
<requestData><data>
@FIELDS@
$([[ $method != 2 ]] || echo "<ovt>$(ovt)</ovt>")
$([[ -z $1 ]] || echo "<request_id>$1</request_id>")
</data></requestData>
</request></tns:SendMessage></soap:Body></soap:Envelope>
END
}

# One signature over the Body. From here on not one byte of the Body may change: no xmllint --format after this.
sign() {
    xmlsec1 --sign $lax --privkey-pem "$KDP_KEY" --id-attr:Id "$SOAP:Body" "$1"
}

# --data-binary sends the octets as they are; -d would drop the line ends, and with them the signature.
# A fault comes with HTTP 500 and has a body too, so curl must not be told to --fail.
post() {
    curl --silent --show-error --max-time 30 -H 'Content-Type: text/xml; charset=utf-8' -H 'SOAPAction: ""' \
        --data-binary "@$1" "$url"
}

stop_at_fault() {
    xmllint --nonet --noout "$folder/answer.xml" 2>/dev/null || { echo "no XML from $url" >&2; exit 2; }
    [[ $(value "count(//*[local-name()='Fault'])") != 0 ]] || return 0
    echo "fault        $(value "string(//*[local-name()='faultstring'])")"
    echo "code         $(value "string(//*[local-name()='errorCode'])")"
    echo "what to do   $(value "string(//*[local-name()='errorData'])")"
    exit 1
}

# The certificate of the service is pinned: what comes with the answer proves nothing about who signed it.
verify() {
    # What is read must be what was signed: the reference has to name this Body, and nothing else may carry its id.
    local body="$BODY/@*[local-name()='Id']"
    local uri="/*[local-name()='Envelope']/*[local-name()='Header']//*[local-name()='Reference']/@URI"
    [[ $(value "count($uri)=1 and $uri=concat('#',$body) and count(//@*[.=string($body)])=1") == true ]] ||
        { echo 'the answer is not signed over its Body' >&2; exit 2; }
    # Without --enabled-key-data xmlsec1 believes whatever key the message itself carries (ds:KeyValue), and forgeries pass.
    xmlsec1 --verify $lax --enabled-key-data key-name --pubkey-cert-pem "$KDP_TRUST" \
        --id-attr:Id "$SOAP:Body" "$folder/answer.xml" >/dev/null 2>&1 ||
        { echo 'the answer is not signed by the service, or was changed on its way' >&2; exit 2; }
}

# A verification token: "we have the consent". iat and exp are numbers, in seconds (not milliseconds).
ovt() {
    local now signed
    now=$(date +%s)
    signed=$(printf '{"alg":"RS256","typ":"JWT"}' | base64url).$(
        printf '{"cbin":"%s","uin":"%s","mcheck":"BIO","iat":%d,"exp":%d,"jti":"%s"}' \
            "$bin" "$uin" "$now" $((now + 3600)) "$(uuid)" | base64url)
    printf '%s.%s' "$signed" "$(printf %s "$signed" | openssl dgst -sha256 -sign "$KDP_KEY" -binary | base64url)"
}

# What the security token says; exp is in seconds. (The owner of the register verifies it: kdp token verify.)
show() {
    local part claims
    part=$(cut -d. -f2 <<<"$1" | tr -- '-_' '+/')
    while ((${#part} % 4)); do part+='='; done
    claims=$(openssl base64 -d -A <<<"$part")
    echo "claims       $claims"
    echo "valid until  $(TZ=UTC-5 date -d "@$(sed 's/.*"exp":\([0-9]*\).*/\1/' <<<"$claims")" +%Y-%m-%dT%H:%M:%S+05:00)"
    printf 'token\n%s\n' "$1"
}

value() { xmllint --nonet --xpath "$1" "$folder/answer.xml"; }
data() { value "string($BODY//*[local-name()='responseData']/*[local-name()='data']/*[local-name()='$1'])"; }
info() { value "string($BODY//*[local-name()='responseInfo']/*[local-name()='status']/*[local-name()='$1'])"; }
base64url() { openssl base64 -A | tr -- '+/' '-_' | tr -d =; }
uuid() { cat /proc/sys/kernel/random/uuid; }
xml() { printf %s "$1" | sed 's/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g'; }

main
