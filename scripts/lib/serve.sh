# Sourced by scripts that run a coordinator: starts one on a free loopback port, makes the first
# account, ends it at exit. The caller sets `wonder`, an array: the command that runs the binary.

served=()
trap 'end_all' EXIT

end_all() {
    local pid
    for pid in "${served[@]}"; do kill "$pid" 2>/dev/null || true; done
    for pid in "${served[@]}"; do wait "$pid" 2>/dev/null || true; done
}

# wait_for SECONDS COMMAND…: tries until it succeeds.
wait_for() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@" 2>/dev/null; do
        ((SECONDS < deadline)) || { echo "timed out waiting for: $*" >&2; return 1; }
        sleep 0.05
    done
}

# start_wonder DIR [ARGS…]: a coordinator on DIR; sets `ready` (its JSON line), `url` and `pid`.
start_wonder() {
    local dir=$1
    shift
    mkdir -p "$dir"
    "${wonder[@]}" serve --listen 127.0.0.1:0 --data-dir "$dir" --json "$@" >"$dir/ready.json" 2>"$dir/log" &
    pid=$!
    served+=("$pid")
    wait_for 60 ready_or_gone "$dir" "$pid"
    [[ -s $dir/ready.json ]] || { cat "$dir/log" >&2; return 1; }
    ready=$(<"$dir/ready.json")
    url=$(jq -r .url <<<"$ready")
}

ready_or_gone() { [[ -s $1/ready.json ]] || ! kill -0 "$2"; }

# first_account DIR URL: makes the administrator and logs the command line in as them.
first_account() {
    local password=a-long-enough-password
    export WONDER_CONFIG_DIR=$1/config
    "${wonder[@]}" user create admin@example.org --password-stdin --data-dir "$1" <<<$password >&2
    "${wonder[@]}" login "$2" --email admin@example.org --password-stdin <<<$password >&2
}
