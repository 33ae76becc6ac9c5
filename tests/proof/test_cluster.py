"""Simulations and joint nulls on a cluster are those of this machine."""

import pandas as pd
import pytest

from support import measure_null, workers


def test_a_joint_null_worked_out_on_a_cluster_is_the_same(monkeypatch):
    distributed = pytest.importorskip("distributed")
    here = measure_null.table(40)
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster:
        monkeypatch.setenv(workers.SCHEDULER, cluster.scheduler_address)
        with workers.executor() as pool:
            assert type(pool).__module__.startswith("distributed")
        there = measure_null.table(40)
    pd.testing.assert_frame_equal(here, there)
