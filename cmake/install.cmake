# What `cmake --install build/release --prefix DIR` lays down. The prefix may be moved afterwards: programs find their
# MPI modules beside themselves (bin/../lib/hactor). The programs and modules have their rule where they are built.
set(HACTOR_DOC_DIR ${CMAKE_INSTALL_DATADIR}/doc/hactor)
install(FILES README.md CHANGELOG.md LICENSE DESTINATION ${HACTOR_DOC_DIR})
install(DIRECTORY doc/ DESTINATION ${HACTOR_DOC_DIR}/doc FILES_MATCHING PATTERN "*.md")
install(DIRECTORY examples/ DESTINATION ${HACTOR_DOC_DIR}/examples USE_SOURCE_PERMISSIONS)

# What policies of users are written against.
install(FILES graph/policy.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/hactor)

# The completion is made from the program's own table of commands.
if(TARGET hactor)
  set(HACTOR_COMPLETION ${PROJECT_BINARY_DIR}/completion/hactor)
  file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/completion)
  add_custom_command(OUTPUT ${HACTOR_COMPLETION}
    COMMAND hactor help --bash-completion > ${HACTOR_COMPLETION}.part
    COMMAND ${CMAKE_COMMAND} -E rename ${HACTOR_COMPLETION}.part ${HACTOR_COMPLETION}
    DEPENDS hactor VERBATIM)
  add_custom_target(hactor_completion ALL DEPENDS ${HACTOR_COMPLETION})
  install(FILES ${HACTOR_COMPLETION} DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
endif()
