# Unit tests of reapi/: what a program of a user's sees of the library.
hactor_unit_test(unit_reapi SOURCES unit/reapi_test.cpp LIBRARIES hactor_reapi hactor_base)
