# Download files to a volume: URL PATH SIZE SHA256, four arguments for each source; "-" for a figure that is not known.
# Sources with the same PATH follow each other: the next one is used where one fails. A host that cannot be reached is
# not asked again while there is another source.
# HF_TOKEN, where it is set, is the token of an account that accepted the terms of gated models; curl keeps it from the
# other host of a redirect.
# A file is written to PATH.part, continued from there by the next run, and renamed once its SHA-256 is the expected
# one. The exit code is 65 where another attempt would not help.
set -eu

SHOW_S="${SHOW_S:-5}"       # between two lines of progress
PAUSE_S="${PAUSE_S:-2}"     # before the second attempt, and doubled before each further one
ATTEMPTS="${ATTEMPTS:-8}"   # attempts in a row that may bring nothing
CONNECT_S="${CONNECT_S:-30}"  # for a connection
RESERVE="${RESERVE:-1073741824}"  # bytes that stay free on the disk
SMALL=8000000               # a file up to this size shows no progress

# Configuration of curl, which reads it from its input: every process of the node can see the arguments.
credentials="${HF_TOKEN:+header = \"Authorization: Bearer $HF_TOKEN\"}"

say() { echo "$name: $*"; }
give_up() { say "$*"; exit 65; }
bytes() { if [ -f "$1" ]; then stat -c %s "$1"; else echo 0; fi; }
digest() { set -- "$(sha256sum "$1")"; echo "${1%% *}"; }
megabytes() { echo "$(($1 / 1000000)) MB"; }

# The hub's answer before its redirect has the SHA-256 of a large file, and its size; other servers have neither.
ask() {
  failures=0
  until answer=$(echo "$credentials" | curl --config - --silent --show-error --head --max-time 60 "$url" 2>&1); do
    again "$answer"
  done
  answer=$(echo "$answer" | tr -d '"\r')
  [ "$sha256" != - ] || sha256=$(echo "$answer" | sed -n 's/^[Xx]-[Ll]inked-[Ee][Tt]ag: *\([0-9a-f]\{64\}\)$/\1/p')
  [ "$size" != - ] || size=$(echo "$answer" | sed -n 's/^[Xx]-[Ll]inked-[Ss]ize: *\([0-9]*\)$/\1/p')
  sha256="${sha256:--}" size="${size:--}"
}

# A file of an earlier run, or of an earlier version of this stack, which compared no digests.
is_complete() {
  [ -f "$path" ] || return 1
  [ "$size" = - ] || [ "$(bytes "$path")" = "$size" ] || return 1
  [ "$sha256" = - ] || [ "$(digest "$path")" = "$sha256" ]
}

check_room() {
  [ "$size" = - ] && return
  free=$(($(df -Pk "${path%/*}" | awk 'NR == 2 { print $4 }') * 1024))
  missing=$((size - $(bytes "$part")))
  [ "$missing" -le 0 ] || [ $((missing + RESERVE)) -le "$free" ] ||
    give_up "$(megabytes "$missing") are missing, $(megabytes "$free") are free, of which $(megabytes "$RESERVE") are" \
      "reserved; make room on the node's disk, or give the service a larger disk"
}

show() {
  now=$(bytes "$part")
  speed=$(((now - $1) / 100000 / SHOW_S))
  [ "$speed" -ge 0 ] || speed=0
  rate="$((speed / 10)).$((speed % 10)) MB/s"
  if [ "$size" = - ]; then say "$(megabytes "$now"), $rate"; return; fi
  say "$((now * 100 / size)) %, $((now / 1000000)) of $(megabytes "$size"), $rate"
}

# Continue the part file; set the exit code of curl and its error.
request() {
  curl --config - --fail --location --silent --show-error --connect-timeout "$CONNECT_S" --speed-limit 1024 \
    --speed-time 60 --continue-at - --output "$part" "$url" >"$part.error" 2>&1 <<CONFIG &
$credentials
CONFIG
  curl=$! last=$(bytes "$part") waited=0 code=0
  trap 'kill $curl 2>/dev/null; exit 143' TERM INT
  while ! is_small && kill -0 "$curl" 2>/dev/null; do
    sleep 1
    waited=$((waited + 1))
    [ $((waited % SHOW_S)) -ne 0 ] || { show "$last"; last=$now; }
  done
  wait "$curl" || code=$?
  error=$(cat "$part.error")
  rm -f "$part.error"
}

is_small() { [ "$size" != - ] && [ "$size" -le "$SMALL" ]; }

# Wait before another attempt, or end.
again() {
  failures=$((failures + 1))
  [ "$failures" -lt "$ATTEMPTS" ] || { say "$url: $1; giving up after $ATTEMPTS attempts"; exit 1; }
  say "interrupted at $(megabytes "$(bytes "$part")"): ${1:-the connection was closed}"
  sleep $((PAUSE_S << (failures < 6 ? failures - 1 : 5)))
}

is_whole() { if [ "$size" = - ]; then [ "$code" = 0 ]; else [ "$(bytes "$part")" = "$size" ]; fi; }

# Request the rest until all of it is there.
complete() {
  failures=0 code=1
  until is_whole; do
    before=$(bytes "$part")
    [ "$size" = - ] || [ "$before" -lt "$size" ] || { rm -f "$part"; before=0; }
    request
    is_whole && return
    case "$error" in
      *"error: 416"*) rm -f "$part"; say "the server has fewer bytes; starting again" ;;
      *"error: 40"[0134]* | *"error: 410"*)
        give_up "$url: $error; the file is not there, or it needs the token of an account with access" ;;
    esac
    [ "$code" != 33 ] || { rm -f "$part"; say "the server cannot continue a file; starting again"; }
    [ "$(bytes "$part")" -le "$before" ] || failures=0
    again "$error"
  done
}

fetch() {
  name="${path##*/}" part="$path.part"
  mkdir -p "${path%/*}"
  [ "$size" != - ] && [ "$sha256" != - ] || ask
  if is_complete; then say "complete"; return; fi
  check_room
  complete
  if [ "$sha256" = - ]; then say "no SHA-256 is known: only the size was compared"; else
    say "checking the SHA-256"
    actual=$(digest "$part")
    [ "$actual" = "$sha256" ] || {
      rm -f "$part"
      give_up "its SHA-256 is $actual; accepted: $sha256. The download was discarded: the file at $url has changed," \
        "or something on the way changes it"
    }
  fi
  mv "$part" "$path"
  say "complete, $(megabytes "$(bytes "$path")")"
}

host() { echo "$url" | sed -n 's|^\(https*://[^/]*\)/.*|\1|p'; }
is_known_unreachable() { case " $unreachable " in *" $(host) "*) [ -n "$(host)" ] ;; *) return 1 ;; esac; }

# Fetch from a source that has another one after it: one attempt, in a shell of its own, since a failure ends it.
try() {
  if is_known_unreachable; then return 1; fi
  (ATTEMPTS=1 CONNECT_S=10; fetch) &
  trying=$! outcome=0
  trap 'kill $trying 2>/dev/null; exit 143' TERM INT
  wait "$trying" || outcome=$?
  [ "$outcome" != 1 ] || unreachable="$unreachable $(host)"
  [ "$outcome" = 0 ] || say "trying its next source"
  return "$outcome"
}

unreachable=""
while [ $# -gt 0 ]; do
  url="$1" path="$2" size="$3" sha256="$4" name="${2##*/}"
  shift 4
  if [ "${2:-}" != "$path" ]; then fetch; continue; fi
  if try; then while [ "${2:-}" = "$path" ]; do shift 4; done; fi
done
