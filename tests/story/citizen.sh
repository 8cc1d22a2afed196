#!/usr/bin/env bash
# The story of one citizen, on a sandbox of its own: asked by SMS, agreed, the data given, looked at who had access,
# revoked, refused with a contract, revoked again, silence, not active (order 144/НҚ, paragraphs 4, 6, 14, 16 to 21).
#
#   tests/story/citizen.sh
#   CRYPTO=gost tests/story/citizen.sh      everybody signs by ГОСТ; CRYPTO=mixed: some do
#   STATE=postgres://USER@HOST/EMPTY tests/story/citizen.sh
#
# Everything is done by `kdp` and by HTTP on the sandbox, whose clock is moved. Each step holds its result and prints
# one line; the first that does not hold ends the story with exit 1.
source "$(dirname "${BASH_SOURCE[0]}")/stage.sh"

iin=930114499019 phone=77010000014 # the subject of the sandbox who answers what we say
service=GBDFLUniversal_token entry=dir-bank-1

open_stage
# A morning, so that no step crosses midnight.
set_clock "$(morning_after "$(now | cut -dT -f1)")"

# --- asked, agreed ------------------------------------------------------------------------------------

send bank --method 1 --uin "$iin" --service "$service" --directory-id "$entry"
is status PENDING
is reason waiting
request=$(value request_id)
step "The bank asks; the answer is PENDING, request ${request:0:8}…"

advance PT2S
sms=$(curl -sS "$base/sandbox/phone/$phone")
for word in 'Pesochnyi bank' 'Otvet: soglasen' 'Jauap: kelisemin' '90 dnei'; do
    grep -q "$word" <<<"$sms" || fail "the SMS does not say «$word»"
done
step "An SMS came: who asks, which data, for how long, how to answer; Kazakh first, then Russian"

send bank --uin "$iin" --request-id "$request"
is status PENDING
step "Before the citizen answers, the repeat is PENDING"

post "/sandbox/phone/$phone" '{"text":"ДА"}' >/dev/null
advance PT1S
send bank --uin "$iin" --request-id "$request"
is status VALID
is reason granted
token=$(tail -n +2 <<<"${answer#*$'\n'token}" | head -1)
[[ $token == *.*.* ]] || fail "no token in the answer"
step "The citizen answers ДА; the repeat is VALID and brings the security token"

# --- the data given -------------------------------------------------------------------------------------

check() {
    send owner --service-id KDP_CHECK_TOKEN --set "code=$token" --set "service_id=$service" --set "uin=$iin" "$@"
}

check
exits 0
is active true
is status active
is revocation_pending false
is token/company_bin 260140990117
is token/directory_id "$entry"
checked=$(value checked_at) token_id=$(value token/token_id)
[[ -n $(value receipt) ]] || fail "no receipt"
step "The owner checks the token online: active; it keeps the signed receipt and gives the data"

curl -sS "$base/.well-known/jwks.json" >"$folder/jwks.json"
"$KDP" token verify "$token" --jwks "$folder/jwks.json" --uin "$iin" --service "$service" --at "$checked" >/dev/null || (($? == 3))
step "Offline, by the published keys, the token verifies too"

# --- looked who had access ----------------------------------------------------------------------------------

send egov --service-id KDP_PERSONALDATA --set "uin=$iin" \
    --set "start_date=$(now | cut -dT -f1)T00:00:00+05:00" --set "end_date=$(now | cut -dT -f1)T23:59:59+05:00"
rows=$(value r_pdata)
[[ $rows == '[{'*'"kind":"access"'*"\"when\":\"$checked\""* ]] || fail "the newest row is not the owner's check"
[[ $rows == *'"kind":"request"'*"$request"* ]] || fail "the bank's request is not in the log"
[[ $rows == *'Песочный собственник'* && $rows == *'Песочный банк'* ]] || fail "the log does not name who"
step "The citizen looks at the portal: the bank's request, and the owner's access at its very time"

# --- revoked, refused with a contract -------------------------------------------------------------------------

send egov --service-id KDP_REVOKE --set "uin=$iin" --set "token_id=$token_id" --set applicant=subject
exits 0
is state open
first=$(value application_id) deadline=$(value deadline)
[[ -n $(value skipped_days/day/reason) ]] || fail "no skipped day has a reason"
step "The citizen revokes: an application is open, to be reviewed until $deadline"

check
is active true
is revocation_pending true
step "During the review the token stays active, marked as under review"

send bank --service-id KDP_LIST_TO_REVOKE
grep -q "$first" <<<"$answer" || fail "the application is not in the bank's list"
is application/working_days_left 15
step "The bank finds the application in its list, 15 working days left"

send bank --service-id KDP_SEND_SOLUTION --set "application_id=$first" --set decision=refuse --set 'reason=Заём не погашен'
exits 1
grep -q SCSE002 <<<"$(value message)" || fail "a refusal without ground was not SCSE002"
step "A refusal without a ground is not accepted (F-20)"

send bank --service-id KDP_SEND_SOLUTION --set "application_id=$first" --set decision=refuse \
    --set 'reason=Заём не погашен' --set contract/number=17-К --set contract/date=2026-01-15 \
    --set 'contract/name=Договор банковского займа'
exits 0
is state refused
step "The bank refuses with its contract"

send egov --service-id KDP_REVOKE --set "application_id=$first"
is state refused
is reason 'Заём не погашен'
is contract/number 17-К
is contract/date 2026-01-15
is contract/name 'Договор банковского займа'
check
is active true
is revocation_pending false
step "The citizen learns the reason and the contract; the token is active, no review is pending"

# --- revoked again, silence, not active ----------------------------------------------------------------------------

set_clock "$(morning_after "$(now | cut -dT -f1)")"
send egov --service-id KDP_REVOKE --set "uin=$iin" --set "request_id=$request" --set applicant=subject \
    --set 'comment=Заём погашен'
is state open
second=$(value application_id) deadline=$(value deadline)
[[ $second != "$first" ]] || fail "the refused application was opened again"
step "The loan is paid, the citizen revokes again: a new application, until $deadline"

set_clock "${deadline}T23:59:57+05:00"
check
is active true
is revocation_pending true
step "Silence. In the last seconds of $deadline the token is still active"

advance PT4S
check
exits 1
is active false
is status not-active
is reason revoked
send egov --service-id KDP_REVOKE --set "application_id=$second"
is state lapsed
step "The day has ended: the token is not active by itself (F-21), and the citizen sees it"

check --set "requested_at=${deadline}T23:59:59.999+05:00"
is status active
check --set "requested_at=$(date -u -d "$deadline + 1 day" +%Y-%m-%d)T00:00:00+05:00"
is status not-active
step "The owner asks about the past: active until 24:00 of $deadline, not active from then"

send bank --service-id KDP_SEND_SOLUTION --set "application_id=$second" --set decision=approve
exits 1
is reason already-decided
send bank --uin "$iin" --request-id "$request"
is status INVALID
is reason revoked
step "The bank's late decision changes nothing, and the old request gives no token any more"
