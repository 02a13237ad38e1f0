using System.Runtime.InteropServices;
using Mesh.Proxy.Hosting;
using Mesh.Proxy.Interception;
using Mesh.Proxy.Native;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

// What it does: a proxy, or "init", which leads a network namespace's traffic to one.
// Exit codes: 0 stopped cleanly, 1 fault, 2 bad configuration.
if (args is ["init", .. var rest])
{
    return await InitCommand.RunAsync(rest, Console.Out, Console.Error);
}

var configuration = new ConfigurationBuilder().AddEnvironmentVariables().AddCommandLine(args).Build();
var (options, mistakes) = ProxyOptionsReader.Read(configuration);
if (options is null)
{
    foreach (var mistake in mistakes)
    {
        await Console.Error.WriteLineAsync(mistake);
    }

    return 2;
}

SystemAuthorities.Forget();
using var stopping = new CancellationTokenSource();
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var logging = LoggerFactory.Create(log => log.AddJsonConsole(json => json.TimestampFormat = "O"));
try
{
    using var app = new ProxyApp(options, TimeProvider.System, logging);
    await app.RunAsync(stopping.Token);
    return 0;
}
catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
{
    await Console.Error.WriteLineAsync(fault.Message);
    return 1;
}

void Stop(PosixSignalContext signal)
{
    signal.Cancel = true;
    stopping.Cancel();
}
