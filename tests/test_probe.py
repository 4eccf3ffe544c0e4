async def test_a(store):
    assert store.engine in ("sqlite", "postgres")


async def test_b(store):
    assert await store.wait("x", 0.01) in (False, True)


async def test_c(store):
    assert store
