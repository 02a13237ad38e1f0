using Mesh.Grains.Interfaces.Errors;
using Mesh.Silo.Hosting;
using Microsoft.Extensions.Options;

// What it does: a silo, or "restore FILE" and "rekey", which work on its store while no silo does.
// Exit codes: 0 stopped cleanly, 1 fault, 2 bad configuration.
try
{
    await (args switch
    {
        ["restore", var file, .. var options] => Maintenance.RestoreAsync(file, options),
        ["rekey", .. var options] => Maintenance.RekeyAsync(options),
        _ => SiloHost.RunAsync(args),
    });
    return 0;
}
catch (OptionsValidationException mistakes)
{
    foreach (var mistake in mistakes.Failures)
    {
        await Console.Error.WriteLineAsync(mistake);
    }

    return 2;
}
catch (InvalidOperationException mistake) when (mistake.Source == "Microsoft.Extensions.Configuration.Binder")
{
    await Console.Error.WriteLineAsync(mistake.Message);
    return 2;
}
catch (InvalidDataException mistake)
{
    await Console.Error.WriteLineAsync(mistake.Message);
    return 2;
}
catch (MeshException refusal)
{
    // The store does not answer. Whoever started the silo may start it again.
    await Console.Error.WriteLineAsync(refusal.Message);
    return 1;
}
catch (OperationCanceledException)
{
    // Told to stop before it had started.
    return 0;
}
catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or System.Net.Sockets.SocketException)
{
    await Console.Error.WriteLineAsync(fault.Message);
    return 1;
}
