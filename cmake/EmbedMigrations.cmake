# zvonok_embed_migrations(target): compiles the files of migrations/ into the target, so that a server needs no folder of
# SQL at run time. The generated unit is made anew when a file changes, appears or goes. Run by itself (cmake -P), this
# file is the generator.
if(CMAKE_SCRIPT_MODE_FILE)
  set(text "// Made from migrations/*.sql by cmake/EmbedMigrations.cmake.\n")
  string(APPEND text "#include \"adapter/store_sql/store_sql.h\"\n\n")
  string(APPEND text "namespace zvonok::store_sql {\n\n")
  string(APPEND text "const std::vector<Migration>& embedded_migrations() {\n")
  string(APPEND text "  static const std::vector<Migration> kMigrations{\n")
  file(GLOB files "${MIGRATIONS}/*.sql")
  list(SORT files)
  foreach(file IN LISTS files)
    get_filename_component(name "${file}" NAME)
    if(NOT name MATCHES "^([0-9][0-9][0-9])_([a-z0-9_]+)\\.sql$")
      message(FATAL_ERROR "migrations/${name}: the name has to be like 001_create_users.sql")
    endif()
    set(title "${CMAKE_MATCH_2}")
    string(REGEX REPLACE "^0+" "" version "${CMAKE_MATCH_1}")
    file(READ "${file}" sql)
    string(APPEND text "      {${version}, \"${title}\", R\"zvonok_sql(${sql})zvonok_sql\"},\n")
  endforeach()
  string(APPEND text "  };\n  return kMigrations;\n}\n\n}  // namespace zvonok::store_sql\n")
  file(WRITE "${OUTPUT}" "${text}")
  return()
endif()

set(ZVONOK_EMBED_SCRIPT "${CMAKE_CURRENT_LIST_FILE}")

function(zvonok_embed_migrations target)
  file(GLOB files CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/migrations/*.sql")
  set(output "${CMAKE_BINARY_DIR}/generated/embedded_migrations.cpp")
  # Part of the command, because a command runs again when it has changed, and not when it has lost a dependency.
  string(SHA256 names "${files}")
  add_custom_command(OUTPUT "${output}"
    COMMAND "${CMAKE_COMMAND}" "-DMIGRATIONS=${CMAKE_SOURCE_DIR}/migrations" "-DOUTPUT=${output}"
      "-DNAMES=${names}" -P "${ZVONOK_EMBED_SCRIPT}"
    DEPENDS ${files} "${ZVONOK_EMBED_SCRIPT}"
    COMMENT "Embedding the migrations")
  target_sources(${target} PRIVATE "${output}")
endfunction()
