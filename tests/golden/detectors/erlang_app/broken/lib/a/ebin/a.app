{application, a, [{description, "no version"}]}.
