# Unit tests of runtime's host part: sockets and threads of this process, no actor system.
hactor_unit_test(unit_host
  SOURCES
    unit/poller_test.cpp
    unit/spin_window_test.cpp
    unit/stream_socket_test.cpp
    unit/unix_listener_test.cpp
    unit/tcp_test.cpp
    unit/tcp_door_test.cpp
    unit/tcp_wire_test.cpp
    unit/launcher_test.cpp
    unit/allocation_end_test.cpp
    unit/allocation_question_test.cpp
    unit/launcher_settings_test.cpp ../mpi-boot/launcher_settings.cpp
    unit/hardware_test.cpp
    unit/end_guard_test.cpp
    unit/pmix_front_test.cpp ../mpi-boot/pmix_front.cpp
  LIBRARIES hactor_host)
target_include_directories(unit_host PRIVATE support)
target_compile_definitions(unit_host PRIVATE HACTOR_TEST_DATA="${CMAKE_CURRENT_SOURCE_DIR}/data")
