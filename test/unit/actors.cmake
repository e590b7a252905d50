# Unit tests of actors/.
hactor_unit_test(unit_spawner
  SOURCES unit/spawner_test.cpp unit/spawner_protocol_test.cpp
  LIBRARIES hactor_spawner)
