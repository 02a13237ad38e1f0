using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Emojivoto;

/// <summary>What the demo's servers have in common: plain text, one listener.</summary>
internal static class Hosting
{
    public static WebApplicationBuilder CreateBuilder(string listen, HttpProtocols protocols)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPEndPoint.Parse(listen), endpoint => endpoint.Protocols = protocols));
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(1));
        return builder;
    }
}
