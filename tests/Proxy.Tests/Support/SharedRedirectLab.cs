namespace Mesh.Proxy.Tests.Support;

/// <summary>One lab for the tests that leave its rules as they are; made by the first, which is skipped where there can be none.</summary>
public sealed class SharedRedirectLab : IAsyncDisposable
{
    private Task<RedirectLab>? _lab;

    internal Task<RedirectLab> LabAsync() => _lab ??= RedirectLab.StartAsync();

    public async ValueTask DisposeAsync()
    {
        if (_lab is { IsCompletedSuccessfully: true })
        {
            await (await _lab).DisposeAsync();
        }
    }
}
