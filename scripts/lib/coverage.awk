# Reads lcov, prints the covered share of lines of each room, exits 1 if one is below `wanted` %.

function tests_start(file,    line, number, last) {
    number = 0
    while ((getline line < file) > 0) {
        number++
        if (last ~ /^#\[cfg\(test\)\]/ && line ~ /^mod .*\{/) break
        last = line
    }
    close(file)
    return (last ~ /^#\[cfg\(test\)\]/ && line ~ /^mod .*\{/) ? number : 1e9
}

BEGIN { count = split(rooms, room, " ") }

/^SF:/ {
    file = substr($0, 4)
    path = index(file, src) == 1 ? substr(file, length(src) + 1) : ""
    if (path ~ /(tests\.rs$|\/tests\/|\/stories\/)/) path = ""
    end = path == "" ? 0 : tests_start(file)
}

/^DA:/ && path != "" {
    split(substr($0, 4), field, ",")
    if (field[1] + 0 >= end) next
    for (i = 1; i <= count; i++)
        if (index(path, room[i] "/") == 1 || path == room[i] ".rs") {
            lines[i]++
            covered[i] += field[2] > 0
        }
}

END {
    printf "%-14s %7s %8s %7s\n", "room", "lines", "covered", "share"
    for (i = 1; i <= count; i++) {
        share = lines[i] ? 100 * covered[i] / lines[i] : 0
        low = low || share < wanted
        printf "%-14s %7d %8d %6.1f%%%s\n", room[i], lines[i], covered[i], share, share < wanted ? "  below " wanted " %" : ""
    }
    exit low
}
