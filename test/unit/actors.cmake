# Unit tests of actors/.
hactor_unit_test(unit_spawner
  SOURCES unit/spawner_test.cpp unit/spawner_guard_test.cpp unit/spawner_protocol_test.cpp unit/descriptor_room_test.cpp
  LIBRARIES hactor_spawner)
hactor_unit_test(actors_cores_test
  SOURCES
    unit/job_state_test.cpp
    unit/job_spec_test.cpp
    unit/spec_reader_test.cpp
    unit/shared_output_test.cpp
    unit/launch_plan_test.cpp
    unit/shell_options_test.cpp
    unit/binding_test.cpp
    unit/shell_core_test.cpp
    unit/pmi_core_test.cpp
    unit/framed_words_test.cpp
    unit/pmix_core_test.cpp
    unit/mpi_worlds_test.cpp
    unit/plugin_core_test.cpp
    unit/plugin_job_test.cpp
    unit/resource_core_test.cpp
    unit/graph_changes_test.cpp
    unit/events_core_test.cpp
    unit/output_files_test.cpp
    unit/job_folders_test.cpp
    unit/child_plan_test.cpp
    unit/distributor_core_test.cpp
    unit/memory_core_test.cpp
    unit/exec_core_test.cpp
    unit/exec_keeping_test.cpp
    unit/exec_core_ends_test.cpp
    unit/job_waits_test.cpp
    unit/job_manager_core_test.cpp
    unit/job_depend_test.cpp
    unit/job_references_test.cpp
    unit/task_eventlogs_test.cpp
    unit/job_ends_test.cpp
    unit/job_retry_test.cpp
    unit/job_resize_test.cpp
    unit/job_update_test.cpp
    unit/job_constraint_test.cpp
    unit/mpi_meeting_test.cpp
    unit/job_archive_test.cpp
    unit/job_listing_test.cpp
    unit/job_files_test.cpp
    unit/unpacker_test.cpp
    unit/stage_in_test.cpp
    unit/kvs_core_test.cpp
    unit/templates_test.cpp
  LIBRARIES hactor_cores hactor_lmdb)
target_include_directories(actors_cores_test PRIVATE support)
if(TARGET hactor_plugin_life)
  hactor_unit_test(unit_plugins SOURCES unit/plugin_life_test.cpp LIBRARIES hactor_plugin_life)
endif()
hactor_unit_test(client_json_test
  SOURCES unit/client_json_test.cpp unit/client_submit_test.cpp
  LIBRARIES hactor_actors)
target_include_directories(client_json_test PRIVATE support)
# Policies of users: the examples, a library that has none, and some with a fault.
add_library(no_policy MODULE support/no_policy.cpp)
set(faulty "")
foreach(fault call entry null version)
  add_library(faulty_policy_${fault} MODULE support/faulty_policy.cpp)
  target_include_directories(faulty_policy_${fault} PRIVATE ${PROJECT_BINARY_DIR}/include)
  target_compile_definitions(faulty_policy_${fault} PRIVATE FAULT="${fault}")
  set_target_properties(faulty_policy_${fault} PROPERTIES PREFIX ""
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/faulty)
  list(APPEND faulty faulty_policy_${fault})
endforeach()
hactor_unit_test(unit_scheduler_core
  SOURCES
    unit/scheduler_core_test.cpp
    unit/scheduler_claims_test.cpp
    unit/scheduler_core_sim_test.cpp
    unit/queue_policy_test.cpp
    unit/waiting_list_test.cpp
    unit/scheduler_settings_test.cpp
  LIBRARIES hactor_scheduler_core)
target_include_directories(unit_scheduler_core PRIVATE support)
add_dependencies(unit_scheduler_core ${faulty} no_policy example_queue_policy example_match_policy)
target_compile_definitions(unit_scheduler_core PRIVATE
  HACTOR_TEST_FAULTY="${CMAKE_CURRENT_BINARY_DIR}/faulty/faulty_policy_"
  HACTOR_TEST_NO_POLICY="$<TARGET_FILE:no_policy>"
  HACTOR_TEST_QUEUE_POLICY="$<TARGET_FILE:example_queue_policy>"
  HACTOR_TEST_MATCH_POLICY="$<TARGET_FILE:example_match_policy>")
