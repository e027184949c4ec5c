# Tests `assay serve`: the URL on the first line, several models, keys, wrong options, and the end by signals.
. "$(dirname "$0")/lib.sh"
here=$(cd "$(dirname "$0")" && pwd)
export OMP_NUM_THREADS=1 # these models are so small that threads only wait for each other
expect 0 run "$here/make_tiny.lua" "$work/model"

# serve WORDS...: starts `assay serve WORDS...`; leaves its process in $server, its URL in $url and the port in $port.
serve() {
  : >"$work/served"
  "$assay" serve --port 0 "$@" >"$work/served" 2>"$work/serve-err" &
  server=$!
  for _ in $(seq 200); do
    url=$(head -1 "$work/served")
    [ -n "$url" ] && break
    kill -0 $server 2>/dev/null || break
    sleep 0.05
  done
  port=${url##*:}
}

# ends CODE: the server must end with this exit code.
ends() {
  wait $server
  local code=$?
  [ "$code" = "$1" ] || fail "the server ended with $code instead of $1: $(cat "$work/serve-err")"
}

# asks METHOD PATH [BODY] [FIELD]: sends a request; leaves head and body of the answer in $answer.
asks() {
  local body=${3:-} field=${4:-}
  exec 3<>"/dev/tcp/127.0.0.1/$port" || { fail "cannot connect to $port"; return; }
  printf '%s %s HTTP/1.1\r\nConnection: close\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n%s' \
    "$1" "$2" "${field:+$field$'\r\n'}" "${#body}" "$body" >&3
  answer=$(cat <&3)
  exec 3>&-
}

serve "$work/model" "other=$work/model" --live 2
case $url in http://127.0.0.1:[0-9]*) ;; *) fail "the first line is '$url'" ;; esac
asks GET /v1/models
contains "$answer" '"id":"model"'
contains "$answer" '"id":"other"'
asks POST /v1/completions '{"model": "other", "prompt": "ab", "max_tokens": 3, "temperature": 0}'
contains "$answer" '"completion_tokens":3'
contains "$answer" "-float32-cpu"
one=$(echo "$answer" | grep -o '"text":"[^"]*"')
asks POST /v1/chat/completions '{"messages": [{"role": "user", "content": "ab"}], "max_tokens": 3}'
contains "$answer" '"object":"chat.completion"'
asks GET /
contains "$answer" "side by side"
kill -TERM $server
ends 0

# Packed weights give the same answer (the tiny model's are fp32), and say so. With --json, events come as lines of JSON.
serve "$work/model" --packed --json --monitor-port 0
contains "$url" '{"event":"listening","url":"http://127.0.0.1:'
contains "$url" '"monitor_url":"http'
port=$(echo "$url" | grep -o '[0-9][0-9]*"' | head -1)
port=${port%\"}
asks POST /v1/completions '{"prompt": "ab", "max_tokens": 3, "temperature": 0}'
contains "$answer" "$one"
contains "$answer" "-packed-"
kill -INT $server
ends 0
contains "$(cat "$work/served")" '{"event":"stopped","complete":true}'

# A key.
echo "a-secret-key" >"$work/key"
serve "$work/model" --api-key-file "$work/key"
asks GET /v1/models
contains "$answer" "401 Unauthorized"
asks GET /v1/models "" "Authorization: Bearer a-secret-key"
contains "$answer" "200 OK"

# The port is taken; the message says what to do.
expect 1 serve "$work/model" --port "$port"
contains "$err" "cannot listen on port $port"
contains "$err" "--port 0 takes a free port"

# A signal while an answer runs: the answer is complete, then the server ends.
exec 4<>"/dev/tcp/127.0.0.1/$port"
body='{"prompt": "a", "max_tokens": 120, "ignore_eos": true, "stream": true}'
printf 'POST /v1/completions HTTP/1.0\r\nContent-Type: application/json\r\nAuthorization: Bearer a-secret-key\r\nContent-Length: %d\r\n\r\n%s' \
  "${#body}" "$body" >&4
read -r -u 4 status
kill -TERM $server
contains "$(cat <&4)" "data: [DONE]"
exec 4>&-
ends 0

# Options that do not fit.
expect 2 serve "$work/model" --port 0 --host 0.0.0.0
contains "$err" "other machines could use this server without a key"
expect 2 serve "$work/model" --port 0 --host here
contains "$err" "'here' is not an IP address"
expect 2 serve "$work/model" "$work/model"
contains "$err" "two models have the name 'model'"
expect 2 serve "$work/nowhere"
contains "$err" "there is no model"
expect 2 serve
expect 2 serve "$work/model" --port 70000
contains "$err" "--port"
: >"$work/empty"
expect 1 serve "$work/model" --api-key-file "$work/empty"
contains "$err" "the file with the key is empty"
finish
