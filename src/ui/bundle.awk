# bundle.awk: makes what is installed of the page: awk -v dir=src/ui -f bundle.awk main.js writes the module and all
# that it imports as one, each after what it needs, without comments, indentation and needless ends of lines; style.css
# likewise. One file compresses to little more than half of what thirty do. So a name stands at the top of one module
# only, modules import in no circle, imports and comments stand on lines of their own, and no text goes over the end
# of a line.

function fail(message) {
    print "bundle.awk: " message > "/dev/stderr"
    failed = 1
}

function declare(line, file) {
    sub(/^(async )?(function|const|let|class) /, "", line)
    sub(/[^A-Za-z0-9_$].*/, "", line)
    if (line in owner)
        fail(line " is declared in " owner[line] " and in " file)
    owner[line] = file
}

# A line without what begins and ends it; of a list over several lines, without its last comma.
function join(text, line) {
    if (line ~ /^[])}]/)
        sub(/,$/, "", text)
    return text (text == "" || text ~ /[([{,]$/ || line ~ /^[])}]/ ? "" : "\n") line
}

# The text of a file comes after those of its imports.
function add(file,   line, text, from, comment, got, top) {
    if (file in state) {
        if (state[file] == "open")
            fail(file " imports itself")
        return
    }
    state[file] = "open"
    while ((got = (getline line < (dir "/" file))) > 0) {
        top = line !~ /^ /
        sub(/^ +/, "", line)
        if (line ~ /^\/\*/)
            comment = 1
        if (comment || line == "" || line ~ /^\/\//) {
            if (line ~ /\*\/$/)
                comment = 0
            continue
        }
        if (line ~ /^import .* from '\.\/.*';$/) {
            from = line
            gsub(/.*'\.\/|';$/, "", from)
            add(from)
            continue
        }
        sub(/^export /, "", line)
        if (top && line ~ /^(async )?(function|const|let|class) [A-Za-z]/)
            declare(line, file)
        text = join(text, line)
    }
    if (got < 0)
        fail(file " can't be read")
    close(dir "/" file)
    state[file] = "done"
    print text
}

BEGIN {
    add(ARGV[1])
    exit failed
}
