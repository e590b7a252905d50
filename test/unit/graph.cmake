# Unit tests of graph/.
