"""How handlers reach the outside, once, with the answer kept."""
