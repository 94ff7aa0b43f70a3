{application, b, [{vsn, "%VSN%"}]}.
