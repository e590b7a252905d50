# Unit tests of tools/.
hactor_unit_test(unit_tools
  SOURCES
    unit/options_test.cpp
    unit/shell_words_test.cpp
    unit/directives_test.cpp
    unit/expression_test.cpp
    unit/bulk_inputs_test.cpp
    unit/tree_plan_test.cpp
    unit/tree_deal_test.cpp
    unit/tree_report_test.cpp
    unit/top_view_test.cpp
    unit/ending_test.cpp
    unit/batch_test.cpp
    unit/jobspec_build_test.cpp
    unit/job_environment_test.cpp
    unit/constraint_text_test.cpp
    unit/columns_test.cpp
    unit/job_fields_test.cpp
    unit/event_text_test.cpp
    unit/attach_core_test.cpp
    unit/frame_test.cpp
    unit/client_test.cpp
    unit/commands_test.cpp
    unit/packer_test.cpp
    unit/nested_uri_test.cpp
    unit/uri_schemes_test.cpp
    unit/instance_note_test.cpp
    unit/enclosing_test.cpp
    ../mpi-boot/enclosing.cpp
    unit/graph_picture_test.cpp
    unit/graph_session_test.cpp
    unit/workflow_test.cpp
  LIBRARIES hactor_tools hactor_instance)
target_include_directories(unit_tools PRIVATE support)
