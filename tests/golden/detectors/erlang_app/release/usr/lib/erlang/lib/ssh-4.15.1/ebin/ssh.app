%%% This is an -*- erlang -*- file.

{application, ssh,
   [{description, "SSH-2 for Erlang/OTP"},
    {vsn, "4.15.1"},
    {modules, [ssh,
	       ssh_acceptor]},
    {registered, []},
    {applications, [kernel, stdlib, crypto, public_key]},
    {env, [{opts, []}]},
    {mod, {ssh_app, []}},
    {runtime_dependencies, ["crypto-5.0","erts-11.0","kernel-6.0"]}]}.
