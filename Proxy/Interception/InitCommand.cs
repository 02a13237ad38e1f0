namespace Mesh.Proxy.Interception;

/// <summary><c>Proxy init</c>: leads the TCP of the network namespace that it runs in through the proxy. Run before the proxy, and once.</summary>
internal static class InitCommand
{
    private const string Help = """
        Lead this network namespace's TCP, IPv4 and IPv6, through the proxy: table inet mesh_orleans of nftables.
        It is one transaction, so a second run leaves the same as the first.

        Usage: Proxy init --proxy-uid UID [options]
               Proxy init --undo [--dry-run]

          --proxy-uid UID               the user that the proxy runs as, and nothing else does; its own connections are not redirected
          --outbound-port PORT          the proxy's listener for redirected outbound connections [default: 4140]
          --inbound-port PORT           the proxy's listener for redirected inbound connections [default: 4143]
          --admin-port PORT             the proxy's admin port, reached as it is [default: 4191]
          --skip-inbound-ports PORTS    ports of the application that are reached without the proxy
          --skip-outbound-ports PORTS   ports of others that the application reaches without the proxy
          --skip-subnets SUBNETS        peers with which the application speaks without the proxy, in both directions
          --dry-run                     print the ruleset and change nothing
          --undo                        take all of it away again
          --help                        print this

        Never redirected: loopback, the proxy's own connections to others, its own ports, and what only passes through to elsewhere.
        A connection that the application makes to itself by the name of its service passes the proxy twice, as it would to another pod.
        Connections that are open already go on as they are.

        Examples:
          Proxy init --proxy-uid 2102
          Proxy init --proxy-uid 2102 --skip-inbound-ports 22,9100-9110 --skip-subnets 10.96.0.0/12,fd00:10::/32
          Proxy init --proxy-uid 2102 --dry-run | nft --check -f -
          Proxy init --undo

        Exit codes: 0 done, 1 nft has failed and nothing was changed, 2 wrong options.
        """;

    public static async Task<int> RunAsync(IReadOnlyList<string> arguments, TextWriter output, TextWriter errors)
    {
        if (arguments.Any(argument => argument is "--help" or "-h"))
        {
            await output.WriteLineAsync(Help);
            return 0;
        }

        var (request, mistakes) = RedirectOptionsReader.Read(arguments);
        if (request is null)
        {
            foreach (var mistake in mistakes)
            {
                await errors.WriteLineAsync(mistake);
            }

            return 2;
        }

        var ruleset = request.Redirect is { } options ? RedirectRules.Write(options) : RedirectRules.Undo();
        if (request.IsDryRun)
        {
            await output.WriteAsync(ruleset);
            return 0;
        }

        try
        {
            await NftProgram.ApplyAsync(ruleset);
            return 0;
        }
        catch (IOException fault)
        {
            await errors.WriteLineAsync(fault.Message);
            return 1;
        }
    }
}
