"""Apps whose code runs again in the tests of `timescape replay`: as recorded, and changed."""

from tests.runtime.replay.shop import Pricing, shop

app = shop(Pricing())
changed = shop(Pricing(), factor=2)
curious = shop(Pricing(), reads_card=True)
