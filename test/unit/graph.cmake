# Unit tests of graph/.
hactor_unit_test(unit_graph
  SOURCES
    unit/count_test.cpp
    unit/document_test.cpp
    unit/constraint_test.cpp
    unit/jobspec_test.cpp
    unit/rset_test.cpp
    unit/affinity_test.cpp
    unit/nearness_test.cpp
    unit/request_test.cpp
    unit/layout_test.cpp
    unit/planner_test.cpp
    unit/resource_graph_test.cpp
    unit/ledger_test.cpp
    unit/matcher_test.cpp
    unit/match_near_test.cpp
    unit/match_choice_test.cpp
    unit/flexible_slots_test.cpp
    unit/match_link_test.cpp
    unit/rset_extra_test.cpp
    unit/resource_pool_test.cpp
    unit/granted_graph_test.cpp
    unit/resource_pool_change_test.cpp
    unit/grug_reader_test.cpp
    unit/jgf_reader_test.cpp
    unit/hwloc_reader_test.cpp
    unit/rv1_reader_test.cpp
    unit/graph_reader_test.cpp
    unit/match_writer_test.cpp
    unit/find_expression_test.cpp
    unit/graph_writer_test.cpp
  LIBRARIES hactor_graph)
target_include_directories(unit_graph PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/support)
target_compile_definitions(unit_graph PRIVATE
  HACTOR_TEST_DATA="${CMAKE_CURRENT_SOURCE_DIR}/data")

# The only one that asks the machine: of two layers.
hactor_unit_test(unit_live_graph SOURCES unit/live_graph_test.cpp LIBRARIES hactor_graph hactor_hardware)
