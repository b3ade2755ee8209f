# Sourced by the scripts that build a release: what is shipped stays small.

# Bytes, stripped.
largest=25000000

# is_small BINARY [STRIP]: fails, and says by how much, where a release has become too large.
is_small() {
    local copy size
    copy=$(mktemp)
    "${2:-strip}" -o "$copy" "$1"
    size=$(stat -c %s "$copy")
    rm "$copy"
    ((size <= largest)) || {
        echo "$1 has $size bytes when stripped, $((size - largest)) too many: look at what came in" \
            "(\`cargo tree -e normal\`), and at the profile in Cargo.toml" >&2
        return 1
    }
}
