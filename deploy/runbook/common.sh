# What the scripts of the runbook share; sourced by each.
#
#   KDP      the program (default kdp)
#   CONFIG   the configuration (default /etc/kdp/kdp.toml)
#   START STOP RELOAD   how the service is started, stopped and told to read anew (default systemctl)
#   READY    the address that tells whether it serves (default http://127.0.0.1:8415/health/ready)
#   KDP_OPERATOR KDP_OPERATOR_PASSWORD_FILE   who does it; without them, the terminal asks
#   AS       what runs kdp as the account of the service (default: `runuser -u kdp --` for root, if there is one of it)

set -euo pipefail

KDP=${KDP:-kdp}
CONFIG=${CONFIG:-/etc/kdp/kdp.toml}
START=${START:-systemctl start kdp}
STOP=${STOP:-systemctl stop kdp}
RELOAD=${RELOAD:-systemctl reload kdp}
READY=${READY:-http://127.0.0.1:8415/health/ready}
if [[ -z ${AS+set} && $EUID -eq 0 ]] && id kdp >/dev/null 2>&1; then AS='runuser -u kdp --'; fi
AS=${AS:-}

say() { printf '== %s\n' "$*"; }

fail() {
    printf 'FAILED: %s\n' "$*" >&2
    exit 1
}

# A command of kdp about this installation, as the service would run it: what it cannot read, nobody else should try.
kdp() { $AS "$KDP" "$@" --config "$CONFIG"; }

# A file of the service with new content, at once; it belongs to whom the old one belonged.
replace() {
    local from=$1 to=$2
    install -m 600 "$from" "$to.new"
    chown --reference="$to" "$to.new"
    sync "$to.new"
    mv "$to.new" "$to"
}

# Tells the service to read anew, and that it did: what it refuses stands in its log alone.
reload() {
    kdp check || fail 'kdp check names what the service would not take'
    $RELOAD
    wait_until_ready
}

# What the service says of itself; empty: nothing answers.
health() { curl --silent --max-time 5 "$READY" || true; }

wait_until_ready() {
    local seconds=${1:-60}
    for ((i = 0; i < seconds * 5; i++)); do
        [[ $(health) != ready ]] || return 0
        sleep 0.2
    done
    fail "the service is not ready after $seconds s: $(health)"
}
