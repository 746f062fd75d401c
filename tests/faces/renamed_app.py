"""The shop of `test_request_ids`, whose ids begin otherwise by now."""

from tests.faces.test_request_ids import shop

app = shop("pay")
