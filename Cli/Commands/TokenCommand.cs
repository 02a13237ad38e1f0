using System.CommandLine;
using Google.Protobuf.WellKnownTypes;
using Mesh.Admin.V1;
using Mesh.Cli.Output;

namespace Mesh.Cli.Commands;

/// <summary><c>mesh token</c>: one-time tokens with which workloads and ProxyHosts enroll.</summary>
internal static class TokenCommand
{
    public static Command Create(CommandContext context)
    {
        var workload = new Argument<string>("NAMESPACE/ACCOUNT") { Description = "The workload" };
        var addresses = new Option<string[]>("--address") { Description = "A ProxyHost, https://HOST:PORT; may be repeated", HelpName = "URL", Required = true };
        var lifetime = new Option<string>("--lifetime") { Description = "How long the token is good, e.g. 30m", HelpName = "TIME", DefaultValueFactory = _ => "1h" };
        var create = new MeshCommand(
            "create",
            "Print a one-time token for a workload's proxy",
            "mesh token create emojivoto/web --address https://10.0.0.5:8086 > web.token",
            "mesh token create emojivoto/web --address https://10.0.0.5:8086 --lifetime 30m")
        {
            workload, addresses, lifetime,
        };
        create.SetAction(CommandContext.Guard(async (parsed, cancellationToken) =>
        {
            var (ns, account) = WorkloadName.Parse(parsed.GetValue(workload)!);
            var request = new CreateWorkloadTokenRequest { Namespace = ns, ServiceAccount = account, Lifetime = Lifetime(parsed.GetValue(lifetime)!) };
            request.Addresses.AddRange(parsed.GetValue(addresses));
            using var admin = context.Connect(parsed);
            var token = await admin.CallAsync((client, options) => client.CreateWorkloadTokenAsync(request, options), cancellationToken);
            Console.WriteLine(context.WantsJson(parsed) ? JsonOutput.Of(token) : token.Token);
            return ExitCodes.Ok;
        }));

        var name = new Argument<string>("NAME") { Description = "The ProxyHost's name, a DNS label" };
        var createProxyHost = new MeshCommand(
            "create-proxyhost",
            "Print a one-time token for a ProxyHost",
            "mesh token create-proxyhost proxyhost-1 > proxyhost.token")
        {
            name, lifetime,
        };
        createProxyHost.SetAction(CommandContext.Guard(async (parsed, cancellationToken) =>
        {
            var request = new CreateProxyHostTokenRequest { Name = parsed.GetValue(name), Lifetime = Lifetime(parsed.GetValue(lifetime)!) };
            using var admin = context.Connect(parsed);
            var token = await admin.CallAsync((client, options) => client.CreateProxyHostTokenAsync(request, options), cancellationToken);
            Console.WriteLine(context.WantsJson(parsed) ? JsonOutput.Of(token) : token.Token);
            return ExitCodes.Ok;
        }));
        return new Command("token", "Make one-time tokens with which workloads and ProxyHosts enroll") { create, createProxyHost };
    }

    private static Duration Lifetime(string text) => Durations.TryParse(text, out var duration)
        ? Duration.FromTimeSpan(duration)
        : throw new CliException(ExitCodes.Usage, $"'{text}' is not a time.", "Write 30m, 24h or 1.12:00:00.");
}
