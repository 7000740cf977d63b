# Writes a .cpp that holds files, one behind the other, as runnerwatch::NAME, a string_view:
# cmake -D OUTPUT=… -D NAME=… -D "FILES=path;…" -P …
set(all "")
foreach(path ${FILES})
    file(READ "${path}" bytes HEX)
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${bytes}")
    string(APPEND all "${bytes}\n")
endforeach()
file(WRITE "${OUTPUT}" "#include <string_view>\n\nnamespace runnerwatch {\n\n"
    "static const char bytes[] = {${all}};\n"
    "extern const std::string_view ${NAME}{bytes, sizeof bytes};\n\n"
    "}  // namespace runnerwatch\n")
