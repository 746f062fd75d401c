"""The local-context controller: runs a request and writes down what happens."""
