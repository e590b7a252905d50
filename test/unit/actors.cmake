# Unit tests of actors/.
hactor_unit_test(unit_spawner
  SOURCES unit/spawner_test.cpp unit/spawner_guard_test.cpp unit/spawner_protocol_test.cpp
  LIBRARIES hactor_spawner)
hactor_unit_test(actors_cores_test
  SOURCES
    unit/job_state_test.cpp
    unit/job_spec_test.cpp
    unit/spec_reader_test.cpp
    unit/launch_plan_test.cpp
    unit/shell_core_test.cpp
    unit/resource_core_test.cpp
    unit/events_core_test.cpp
    unit/output_files_test.cpp
    unit/job_folders_test.cpp
    unit/exec_core_test.cpp
    unit/job_manager_core_test.cpp
  LIBRARIES hactor_cores hactor_lmdb)
target_include_directories(actors_cores_test PRIVATE support)
hactor_unit_test(client_json_test
  SOURCES unit/client_json_test.cpp unit/client_submit_test.cpp
  LIBRARIES hactor_actors)
target_include_directories(client_json_test PRIVATE support)
hactor_unit_test(unit_scheduler_core
  SOURCES unit/scheduler_core_test.cpp unit/scheduler_core_sim_test.cpp
  LIBRARIES hactor_cores)
target_include_directories(unit_scheduler_core PRIVATE support)
