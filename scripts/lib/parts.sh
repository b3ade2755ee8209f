# Sourced by the scripts that run tests: names each part, times it, counts what passed.

# Everything the parts printed, for the count at the end; a script run by another adds to its log.
export PARTS_LOG=${PARTS_LOG:-$(mktemp)}

# part NAME COMMAND…: runs it and says how long it took; goes on after a failure.
part() {
    local name=$1 started=$SECONDS status=0
    shift
    echo "── $name"
    "$@" 2>&1 | tee -a "$PARTS_LOG" || status=$?
    echo "── $name: $((SECONDS - started)) s$( ((status)) && echo ', FAILED')" | tee -a "$PARTS_LOG"
}

# Prints `N passed, N failed` and fails if anything did, or if no test ran. A part that failed
# outside a test (it did not compile, say) counts as one failure.
summary() {
    awk '
        /^test result: / { passed += $4; failed += $6; counted = counted || $6 > 0 }
        /^── .*: [0-9]+ s/ { if (/FAILED$/ && !counted) failed++; counted = 0 }
        END { printf "%d passed, %d failed\n", passed, failed; exit (failed > 0 || passed == 0) }
    ' "$PARTS_LOG"
}
