[not_an_application].
