{application,elixir,
 [{description,"elixir"},
  {vsn,"1.14.0"},
