# Writes a .cpp that holds the bytes of recordings: cmake -D OUTPUT=… -D "FILES=name=path;…" -P …
set(code "#include \"daemon/commands/demo_recordings.h\"\n\nnamespace runnerwatch::demo_recordings {\n")
foreach(pair ${FILES})
    string(REGEX MATCH "^([a-z_]+)=(.*)$" unused "${pair}")
    set(name "${CMAKE_MATCH_1}")
    file(READ "${CMAKE_MATCH_2}" bytes HEX)
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${bytes}")
    string(APPEND code "static const char ${name}_bytes[] = {${bytes}};\n"
        "const std::string_view ${name}{${name}_bytes, sizeof ${name}_bytes};\n")
endforeach()
string(APPEND code "}  // namespace runnerwatch::demo_recordings\n")
file(WRITE "${OUTPUT}" "${code}")
