# zvonok_embed_openapi(target): compiles src/rest/openapi.yaml into the target. Run by itself (cmake -P), this file is
# the generator.
if(CMAKE_SCRIPT_MODE_FILE)
  file(READ "${INPUT}" yaml)
  # A raw string literal may not be longer than 65,536 bytes everywhere; pieces are joined by the compiler.
  string(LENGTH "${yaml}" length)
  set(text "// Made from src/rest/openapi.yaml by cmake/EmbedOpenApi.cmake.\n#include \"app/web/openapi.h\"\n\n")
  string(APPEND text "namespace zvonok::app {\n\nstd::string openapi_document() {\n  return\n")
  set(at 0)
  while(at LESS length)
    string(SUBSTRING "${yaml}" ${at} 8000 piece)
    string(APPEND text "R\"zvonok_yaml(${piece})zvonok_yaml\"\n")
    math(EXPR at "${at} + 8000")
  endwhile()
  string(APPEND text ";\n}\n\n}  // namespace zvonok::app\n")
  file(WRITE "${OUTPUT}" "${text}")
  return()
endif()

set(ZVONOK_EMBED_OPENAPI_SCRIPT "${CMAKE_CURRENT_LIST_FILE}")

function(zvonok_embed_openapi target)
  set(input "${CMAKE_SOURCE_DIR}/src/rest/openapi.yaml")
  set(output "${CMAKE_BINARY_DIR}/generated/openapi.cpp")
  add_custom_command(OUTPUT "${output}"
    COMMAND "${CMAKE_COMMAND}" "-DINPUT=${input}" "-DOUTPUT=${output}" -P "${ZVONOK_EMBED_OPENAPI_SCRIPT}"
    DEPENDS "${input}" "${ZVONOK_EMBED_OPENAPI_SCRIPT}"
    COMMENT "Embedding the OpenAPI document")
  target_sources(${target} PRIVATE "${output}")
endfunction()
