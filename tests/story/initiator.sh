#!/usr/bin/env bash
# The story of one initiator, on a sandbox of its own: from the preflight of its integration application over ten
# answers with a security token and the printed testing act to production (order 236/НҚ, paragraphs 5 to 12).
#
#   tests/story/initiator.sh [ACT.html]
#   CRYPTO=gost tests/story/initiator.sh      everybody signs by ГОСТ; CRYPTO=mixed: some do
#   STATE=postgres://USER@HOST/EMPTY tests/story/initiator.sh
#
# Everything is done by `kdp` and by HTTP on the sandbox, whose clock is moved. Each step holds its result and prints
# one line; the first that does not hold ends the story with exit 1. The printed act is left at ACT.html when named.
source "$(dirname "${BASH_SOURCE[0]}")/stage.sh"

keep=${1:-}
peer=newcomer sender=newcomer_kdp service=GBDFLUniversal_token entry=dir-newcomer-1
yes=800101399015 code_iin=920113399015 code_phone=77010000013 # who answers yes; who reads out the code

open_stage
set_clock "$(morning_after "$(now | cut -dT -f1)")"

# form NAME SERVICE_IDS STORAGE_SECONDS HAS_SOC METHODS: an application form
form() {
    cat >"$folder/$1" <<JSON
{
  "organisation": {
    "name": {"kk": "«Құмсалғыштың жаңашылы» ЖШС", "ru": "ТОО «Новичок песочницы»"},
    "bin": "260140990414", "kind": "private", "has_soc": $4
  },
  "sender_id": "$sender",
  "contact": {"name": "Жауапты маман", "phone": "77010000099", "email": "kdp@newcomer.example.kz"},
  "purposes": [{
    "name": {"kk": "Клиент сауалнамасын тексеру", "ru": "Проверка анкеты клиента"},
    "process": "Клиент заполняет анкету в приложении; система запрашивает его ФИО и адрес, сверяет их с анкетой, показывает менеджеру расхождения и после решения удаляет полученное.",
    "services": ["Открытие личного кабинета клиента"],
    "service_ids": $2, "data": "ФИО, адрес",
    "period_seconds": 86400, "storage_seconds": $3, "processing_seconds": 3600,
    "storage_ground": {"text": "Пока анкета не рассмотрена"}
  }],
  "methods": $5
}
JSON
}
protocol='"test_protocol": {"reference": "Протокол № 1", "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}'
all_methods="[{\"method\": 1, $protocol}, {\"method\": 2, $protocol}, {\"method\": 5, $protocol}]"

# --- the application ------------------------------------------------------------------------------------

form first.json '[]' 315360000 false '[{"method": 2}]'
run application preflight "$folder/first.json"
exits 1
for objection in service-id-missing storage-too-long own-means-closed protocol-missing; do
    grep -q "returns .*$objection" <<<"$answer" || fail "the preflight does not say $objection"
done
step "Preflight: no ServiceID, storage too long, method 2 not open, no test protocol; it would be returned for each"

form second.json "[\"$service\"]" 86400 true "[{\"method\": 2, $protocol}]"
run application preflight "$folder/second.json"
exits 0
grep -q '^0 to be returned' <<<"$answer" || fail "the mended form would be returned"
step "Mended: nothing that it would be returned for"

run application submit "$folder/second.json"
exits 0
id=$(value id) review=$(value 'review')
review=${review#until }
[[ -n $id && $review == ????-??-?? ]] || fail "no id or no day of review"
due=$("$KDP" calendar due --from "$(now | cut -dT -f1)" --working-days 10 | head -1)
[[ $review == "$due" ]] || fail "review until $review, the calendar says $due"
step "Submitted; to be reviewed within 10 working days, until $review"

send "$peer" --method 2 --uin "$yes" --service "$service"
is reason method-not-allowed
step "Before the approval no method is open to it"

set_clock "$(morning_after "$(now | cut -dT -f1)")"
run application return "$id" --reason 'Назовите способы, которыми спрашиваете субъекта'
exits 0
[[ $(value state) == returned* ]] || fail "the state is $(value state)"
run application show "$id"
grep -q 'Назовите способы' <<<"$answer" || fail "the reason is not shown"
run application approve "$id" --entries "$entry"
exits 1
step "The reviewer returns it with a reason; what is returned cannot be approved"

form third.json "[\"$service\"]" 86400 true "$all_methods"
run application resubmit "$id" "$folder/third.json"
exits 0
[[ $(value state) == submitted* ]] || fail "the state is $(value state)"
step "Filed again with methods 1, 2 and 5"

# Two weeks and more: the term of the review has passed.
set_clock "$(morning_after "$(date -u -d "$due + 7 days" +%Y-%m-%d)")"
run application list
grep "$id" <<<"$answer" | grep -qi overdue || fail "nothing says that the review is overdue"
run application approve "$id" --entries "$entry"
exits 0
[[ $(value state) == approved* && $(value entries) == "$entry" ]] || fail "the state is $(value state)"
step "The review is overdue and says so; approved, directory entry $entry is open for the test"

run application act "$id"
exits 1
certificate=$data/pki/$peer.cert.pem
# In a mixed sandbox this peer is one of those of ГОСТ.
[[ $crypto == rsa ]] || certificate=$data/pki/$peer.gost.cert.pem
run application register-key "$id" --key "$certificate"
exits 0
[[ $(value state) == testing* ]] || fail "the state is $(value state)"
noticed
step "The public key of its verification tokens is registered; testing has begun"

# --- ten answers with a security token -----------------------------------------------------------------------

ask() {
    send "$peer" --uin "$1" --service "$service" --directory-id "$entry" "${@:2}"
}

for _ in 1 2 3 4 5 6; do
    advance PT1M
    ask "$yes" --method 2
    is status VALID
done
step "Six by its own means (method 2)"

for _ in 1 2; do
    advance PT20M
    ask "$yes" --method 1
    is status PENDING
    request=$(value request_id)
    advance PT1M
    ask "$yes" --request-id "$request"
    is status VALID
done
step "Two by SMS (method 1): the subject answers yes, the repeat brings the token"

run application answers "$id"
grep -q '^8 of 10' <<<"$answer" || fail "not 8 of 10: $(head -1 <<<"$answer")"
run application act "$id"
exits 1
grep -q too-few-answers <<<"$answer" || fail "the act was not refused as too-few-answers"
step "Eight of ten: the act is refused, too few answers"

for _ in 1 2; do
    advance PT20M
    ask "$code_iin" --method 5
    is status PENDING
    request=$(value request_id)
    advance PT5S
    code5=$(curl -sS "$base/sandbox/phone/$code_phone" | grep -oE 'KOD [0-9]+' | tail -1 | cut -d' ' -f2)
    ask "$code_iin" --request-id "$request" --code "$code5"
    is status VALID
done
step "Two by a one-time code (method 5)"

# What does not count: the same token again, no entry named, a refusal.
ask "$code_iin" --request-id "$request"
is status VALID
send "$peer" --method 2 --uin "$yes" --service "$service"
is status VALID
ask 810102499019 --method 2 --term 2d
is reason term-too-long
run application answers "$id"
exits 0
grep -q '^10 of 10' <<<"$answer" || fail "not 10 of 10: $(head -1 <<<"$answer")"
for why in token-repeated entry-unnamed not-valid waiting; do
    grep -q "^-.*$why" <<<"$answer" || fail "the answers do not say $why"
done
step "Ten of ten; of every other answer it says why it did not count: repeated, no entry named, refused, waiting"

# --- the act, production -----------------------------------------------------------------------------------------

run application act "$id" --html "$folder/act.html"
exits 0
grep -E '^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$' <<<"$answer" | tail -1 >"$folder/act.jws"
payload=$(cut -d. -f2 "$folder/act.jws" | tr '_-' '/+')
while ((${#payload} % 4)); do payload+='='; done
base64 -d <<<"$payload" >"$folder/act.json"
for fact in '"needed":10' "\"application\":\"$id\"" '"bin":"260140990414"' '"untested_methods":[]' "$entry"; do
    grep -qF "$fact" "$folder/act.json" || fail "the act does not hold $fact"
done
if grep -qE "$yes|$code_iin|$code_phone" "$folder/act.json" "$folder/act.html"; then
    fail "the act names a subject"
fi
step "The testing act: signed, machine-readable, without personal data"

for text in 'Акт тестирования' 'сынау актісі' 'ТОО «Новичок песочницы»' '10 / 10' 'Подписи' 'Қолдар'; do
    grep -q "$text" "$folder/act.html" || fail "the printed act has no «$text»"
done
if grep -qE '<script|<link|src=|href=|url\(' "$folder/act.html"; then
    fail "the printed act needs something beside itself"
fi
if [[ -n $keep ]]; then cp "$folder/act.html" "$keep"; fi
step "And printable, in Kazakh and Russian, in one file${keep:+: $keep}"

sed -E 's/\.(.)/.A/' "$folder/act.jws" >"$folder/changed.jws"
run application submit-act "$id" "$folder/changed.jws"
[[ $code -ne 0 ]] || fail "a changed act was taken"
run application submit-act "$id" "$folder/act.jws"
exits 0
[[ $(value state) == act-submitted* ]] || fail "the state is $(value state)"
step "A changed act is not taken, the signed one is; it is under review"

set_clock "$(morning_after "$(now | cut -dT -f1)")"
run application accept "$id"
exits 0
[[ $(value state) == production* ]] || fail "the state is $(value state)"
noticed
step "The act is accepted: production"

ask "$yes" --method 2
is status VALID
run initiator show "$sender"
grep -qE 'methods.*1.*2.*5' <<<"$answer" || fail "methods 1, 2, 5 are not registered"
run directory show "$entry"
exits 0
grep -q "$id" <<<"$answer" || fail "the entry does not name the application that it comes from"
send "$peer" --method 3 --uin "$yes" --service "$service" --ground proactive-service --proactive PRO-0001
is reason method-not-allowed
step "Its requests are granted, methods and entry are registered with where they come from, others stay closed"
