# Let a running Ollama pull models: the address of the server, then the names of the models. Ollama itself continues a
# download and compares the digests; a model that it has already is left as it is. API: docs.ollama.com/api
# The exit code is 65 where another attempt would not help.
set -eu

SHOW_S="${SHOW_S:-5}"       # between two lines of progress
PAUSE_S="${PAUSE_S:-2}"     # before the second attempt, and doubled before each further one
ATTEMPTS="${ATTEMPTS:-8}"

server="$1"
shift

post() { curl --silent --show-error --no-buffer --connect-timeout 30 --data "{\"model\": \"$model\"}" "$@"; }

has_model() {
  status=$(post --output /dev/null --max-time 60 --write-out '%{http_code}' "$server/api/show") || return 1
  [ "$status" = 200 ]
}

# Ollama writes a line of JSON several times a second, and sends nothing while it compares the digest of a large file.
pull() {
  post --speed-limit 1 --speed-time 1800 "$server/api/pull" 2>&1 | awk -v name="$model" -v every="$SHOW_S" '
    function figure(key) { return match($0, "\"" key "\": *[0-9]+") ? substr($0, RSTART + length(key) + 3, RLENGTH) + 0 : 0 }
    function text(key) {
      if (!match($0, "\"" key "\": *\"")) return ""
      rest = substr($0, RSTART + RLENGTH); sub(/".*/, "", rest); return rest
    }
    function say(line) { print name ": " line; fflush() }
    /"error"/ { error = $0; sub(/.*"error": *"/, "", error); sub(/"} *$/, "", error); say("error of Ollama: " error); next }
    /^curl:/ { error = $0; say($0); next }
    text("status") == "success" { is_complete = 1; next }
    figure("total") == 0 { if (text("status") != last) { last = text("status"); say(last) }; next }
    { if (text("digest") != layer) { layer = text("digest"); before = figure("completed"); shown = systime() }
      if ((passed = systime() - shown) < every) next
      done = figure("completed"); size = figure("total"); rate = (done - before) / passed / 1e6
      say(sprintf("%d %%, %d of %d MB, %.1f MB/s", done * 100 / size, done / 1e6, size / 1e6, rate < 0 ? 0 : rate))
      before = done; shown = systime() }
    END { if (!is_complete && !error) say("Ollama ended the download before it was complete"); exit is_complete ? 0 : error ~ /does not exist|invalid model name/ ? 65 : 1 }'
}

fetch() {
  failures=0
  until pull; do
    [ $? -ne 65 ] || exit 65
    failures=$((failures + 1))
    [ "$failures" -lt "$ATTEMPTS" ] || { echo "$model: giving up after $ATTEMPTS attempts"; exit 1; }
    sleep $((PAUSE_S << (failures < 6 ? failures - 1 : 5)))
  done
  echo "$model: complete"
}

for model in "$@"; do
  if has_model; then echo "$model: complete"; else fetch; fi
done
