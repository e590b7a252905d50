# Unit tests of graph/.
hactor_unit_test(unit_graph
  SOURCES
    unit/count_test.cpp
    unit/document_test.cpp
    unit/constraint_test.cpp
    unit/jobspec_test.cpp
    unit/rset_test.cpp
    unit/request_test.cpp
    unit/layout_test.cpp
    unit/planner_test.cpp
    unit/resource_graph_test.cpp
    unit/ledger_test.cpp
    unit/matcher_test.cpp
    unit/rset_extra_test.cpp
    unit/resource_pool_test.cpp
  LIBRARIES hactor_graph)
target_include_directories(unit_graph PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/support)
target_compile_definitions(unit_graph PRIVATE
  HACTOR_TEST_DATA="${CMAKE_CURRENT_SOURCE_DIR}/data")
