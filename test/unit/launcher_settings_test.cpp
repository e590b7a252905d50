// mpi-boot/launcher_settings: whose a setting of an MPI is.
// SPDX-License-Identifier: LGPL-3.0-or-later
#include "mpi-boot/launcher_settings.hpp"

#include <doctest/doctest.h>

using namespace hactor;
using namespace std::string_literals;

TEST_SUITE("unit") {

  TEST_CASE("settings that a launcher adds or changes are its own, what it found is a person's") {
    launcher_settings under{true, "HOME=/h\0OMPI_MCA_coll=tuned\0OMPI_MCA_btl=self\0"s};
    CHECK(under.made("OMPI_MCA_rmaps_base_mapping_policy=slot"));
    CHECK(under.made("OMPI_MCA_btl=tcp,self"));
    CHECK(under.made("MPIR_CVAR_DEBUG_SUMMARY=1"));
    CHECK_FALSE(under.made("OMPI_MCA_btl=self"));
    CHECK_FALSE(under.made("OMPI_MCA_coll=tuned"));
    CHECK_FALSE(under.made("PATH=/bin")); // no setting of an MPI, whoever has set it
    launcher_settings unknown{true, {}};
    CHECK(unknown.made("OMPI_MCA_coll=tuned"));
    CHECK_FALSE(unknown.made("PATH=/bin"));
    CHECK_FALSE(launcher_settings{false, {}}.made("OMPI_MCA_coll=tuned"));
  }

  TEST_CASE("the environment of a rank is known") {
    CHECK(is_of_rank("HOME=/h\0OMPI_COMM_WORLD_RANK=0\0"s));
    CHECK(is_of_rank("PMI_RANK=3\0HOME=/h"s));
    CHECK_FALSE(is_of_rank("HOME=/h\0X=PMI_RANK=3\0PMI_RANKS=1\0"s));
    CHECK_FALSE(is_of_rank(""));
  }

} // TEST_SUITE
