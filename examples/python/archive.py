#!/usr/bin/env python3
"""Packs every file of a folder into an archive of its own, a job each, of as many cores as the file
is large: one for each begun MiB, four at most. As an instance's script: hactor start archive.py DIR,
with hactor's package for Python (workflow/python, installed beside the libraries) in PYTHONPATH.
SPDX-License-Identifier: LGPL-3.0-or-later
"""
import os
import sys

import hactor

folder = os.path.abspath(sys.argv[1])
names = sorted(n for n in os.listdir(folder) if not n.endswith(".tar"))


def cores_of(name):
    return min(4, 1 + os.path.getsize(os.path.join(folder, name)) // (1 << 20))


instance = hactor.Instance()
jobs = []
for name in names:
    job = hactor.JobspecV1.from_command(["tar", "-cf", name + ".tar", name],
                                        cores_per_task=cores_of(name))
    job.system["cwd"] = folder
    job.system["job"] = {"name": name}
    job.set_duration(600)
    jobs.append(job)

open_jobs = dict(zip(instance.submit_many(jobs), names))
failed = 0
while open_jobs:
    job, success, why = instance.wait()
    name = open_jobs.pop(job, None)
    if name is None:  # somebody else's
        continue
    cores = next(instance.list(ids=[job], states=127))["ncores"]
    print(f"{name}: {cores} cores{'' if success else ', ' + why}")
    failed += not success
print(f"{len(names)} files, {failed} failed")
sys.exit(failed > 0)
