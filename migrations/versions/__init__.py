"""One file a revision, only added to. They import nothing of ours."""
